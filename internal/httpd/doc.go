// Package httpd is the HTTP edge: it turns requests of AWS clients into calls of operations and their results into answers.
// It decides who may ask (host and origin rules, Signature Version 4, one function for what a principal may do), bounds what
// a request may cost, and writes every error from one table.
//
// It never knows what an operation means: operations are values handed to it. It keeps no state between requests.
//
// Start reading at handler.go, which follows one request; operation.go is what callers build, sigv4.go proves who asks.
package httpd
