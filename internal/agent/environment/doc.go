// Package environment gives containers the variables that a task definition does not hold: secrets and environment files, looked
// up in a folder that stands in the place of Systems Manager, Secrets Manager and S3.
//
// Below the folder, parameters/ has a file for each parameter, secrets/ one for each secret, and files/BUCKET/KEY one for each
// environment file. The package reads files below that folder and no others, whatever a task definition names and wherever
// symbolic links lead; what it has read goes to the driver and nowhere else: no error, log line or record holds a value.
//
// Start reading at Folder; reference.go has the forms in which secrets are named, envfile.go the format of environment files.
package environment
