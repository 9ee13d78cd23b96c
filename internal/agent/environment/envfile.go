package environment

import (
	"fmt"
	"slices"
	"strings"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

// parseFile reads an environment file: lines of VARIABLE=VALUE. Spaces and quotation marks are part of the value, lines that begin
// with # are comments, and a line without a name, an equals sign or a value is left out (developer guide, Pass environment variables
// to a container; amazon-ecs-agent, taskresource/envFiles). A name that comes again has its last value.
func parseFile(text string) []ecs.Variable {
	var all []ecs.Variable
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, found := strings.Cut(line, "=")
		if strings.HasPrefix(line, "#") || !found || name == "" || value == "" {
			continue
		}
		if at := slices.IndexFunc(all, func(v ecs.Variable) bool { return v.Name == name }); at >= 0 {
			all[at].Value = value
			continue
		}
		all = append(all, ecs.Variable{Name: name, Value: value})
	}
	return all
}

// filePath gives the path below the folder of an environment file, named by the ARN of an object in S3.
func filePath(ref string) (string, error) {
	a, ok := arn.Parse(ref)
	if !ok || a.Service != "s3" {
		return "", fmt.Errorf("%q is no ARN of an object in S3", shortened(ref))
	}
	bucket, key, _ := strings.Cut(a.Resource, "/")
	path := "files/" + bucket + "/" + key
	if strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' || c == ':' }) || !localPath(path) {
		return "", fmt.Errorf("%q cannot be the name of a file", shortened(ref))
	}
	if !strings.HasSuffix(key, ".env") {
		return "", fmt.Errorf("%q: environment files end in .env", shortened(ref))
	}
	return path, nil
}

// merged gives all variables of a container. Those of the definition win over the files', of which the first to name one wins
// (API_ContainerDefinition, environmentFiles), and secrets win over both (amazon-ecs-agent, api/container,
// MergeEnvironmentVariables).
func merged(defined []ecs.Variable, files [][]ecs.Variable, secrets []ecs.Variable) []ecs.Variable {
	all := slices.Clone(defined)
	at := make(map[string]int, len(all))
	for i, v := range all {
		at[v.Name] = i
	}
	for _, file := range files {
		for _, v := range file {
			if _, known := at[v.Name]; !known {
				at[v.Name] = len(all)
				all = append(all, v)
			}
		}
	}
	for _, v := range secrets {
		if i, known := at[v.Name]; known {
			all[i] = v
			continue
		}
		at[v.Name] = len(all)
		all = append(all, v)
	}
	return all
}
