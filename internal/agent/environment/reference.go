package environment

import (
	"fmt"
	"strings"

	"ballast/internal/arn"
)

// kind is what a reference leads to.
type kind uint8

const (
	parameter kind = iota
	secret
)

// reference is a valueFrom in parts.
type reference struct {
	kind kind
	// name is the parameter's without the slash in front, or the secret's, with the six characters that ARNs have behind it where
	// they were given.
	name   string
	region string // of the ARN, "" where none was given
	key    string // of the JSON object that the secret is, "" for the whole secret
}

// The stage that a folder has: the other ones belong to versions that it does not keep.
const currentStage = "AWSCURRENT"

// parseSecret reads a valueFrom (API_Secret): the name of a parameter, its ARN, or the ARN of a secret, behind which a JSON key, a
// version stage and a version id can stand.
func parseSecret(valueFrom string) (reference, error) {
	if !strings.HasPrefix(valueFrom, "arn:") {
		return parseParameter(valueFrom, "")
	}
	a, ok := arn.Parse(valueFrom)
	if !ok {
		return reference{}, fmt.Errorf("%q is no ARN", shortened(valueFrom))
	}
	switch a.Service {
	case "ssm":
		name, ok := strings.CutPrefix(a.Resource, "parameter/")
		if !ok {
			return reference{}, fmt.Errorf("%q names no parameter", shortened(valueFrom))
		}
		return parseParameter(name, a.Region)
	case "secretsmanager":
		return parseSecretARN(a, valueFrom)
	}
	return reference{}, fmt.Errorf("%q is an ARN of %s: secrets come from ssm or secretsmanager", shortened(valueFrom), shortened(a.Service))
}

// parseLogin reads the credentialsParameter of a private registry: the ARN of a secret or its name (API_RepositoryCredentials).
func parseLogin(ref string) (reference, error) {
	if !strings.HasPrefix(ref, "arn:") {
		return checked(reference{kind: secret, name: ref})
	}
	r, err := parseSecret(ref)
	if err == nil && (r.kind != secret || r.key != "") {
		err = fmt.Errorf("%q: the credentials of a registry are a whole secret", shortened(ref))
	}
	return r, err
}

// maxLevels bounds the depth of a parameter's name (Systems Manager user guide, Requirements and constraints for parameter names).
const maxLevels = 15

func parseParameter(name, region string) (reference, error) {
	r := reference{kind: parameter, name: strings.TrimPrefix(name, "/"), region: region}
	if strings.Count(r.name, "/") >= maxLevels {
		return reference{}, fmt.Errorf("the parameter name %q has more than %d levels", shortened(name), maxLevels)
	}
	return checked(r)
}

func parseSecretARN(a arn.ARN, whole string) (reference, error) {
	parts := strings.Split(a.Resource, ":")
	if parts[0] != "secret" || len(parts) < 2 || len(parts) > 5 {
		return reference{}, fmt.Errorf("%q names no secret: want secret:NAME[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]", shortened(whole))
	}
	parts = append(parts, "", "", "")
	if stage := parts[3]; stage != "" && stage != currentStage {
		return reference{}, fmt.Errorf("%q asks for version stage %q: only %s is there", shortened(whole), shortened(stage), currentStage)
	}
	if parts[4] != "" {
		return reference{}, fmt.Errorf("%q asks for a version id: only the current version is there", shortened(whole))
	}
	return checked(reference{kind: secret, name: parts[1], region: a.Region, key: parts[2]})
}

// Bounds of names (Systems Manager user guide, Requirements and constraints for parameter names; API_CreateSecret, Name).
const (
	maxParameterName = 1011
	maxSecretName    = 512 + len("-AbCdEf")
)

func checked(r reference) (reference, error) {
	what, most, extra := "parameter", maxParameterName, "_.-"
	if r.kind == secret {
		what, most, extra = "secret", maxSecretName, "/_+=.@-"
	}
	valid := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || strings.ContainsRune(extra, c)
	}
	if len(r.name) > most || strings.ContainsFunc(r.name, func(c rune) bool { return !valid(c) }) || !localPath(r.name) {
		return reference{}, fmt.Errorf("%q is no name of a %s", shortened(r.name), what)
	}
	return r, nil
}

// localPath says whether a name can be a path below a folder: of parts that are not empty and lead nowhere else.
func localPath(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxPathPart {
			return false
		}
	}
	return true
}

// maxPathPart is what file systems take.
const maxPathPart = 255

// paths are the files below the folder that may hold what a reference names, in the order of looking.
func (r reference) paths() []string {
	if r.kind == parameter {
		return []string{"parameters/" + r.name}
	}
	paths := []string{"secrets/" + r.name}
	if bare, ok := withoutSuffix(r.name); ok {
		paths = append(paths, "secrets/"+bare)
	}
	return paths
}

// suffixLength is that of what Secrets Manager puts behind the name of a secret in its ARN: a hyphen and six characters.
const suffixLength = 7

func withoutSuffix(name string) (string, bool) {
	at := len(name) - suffixLength
	if at < 1 || name[at] != '-' || strings.ContainsAny(name[at+1:], "/_+=.@-") {
		return "", false
	}
	return name[:at], true
}

// shortened bounds what an error repeats of a task definition.
func shortened(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
