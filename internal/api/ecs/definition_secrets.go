package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

// maxEnvironmentFiles is how many files of variables a container can have (API_ContainerDefinition, environmentFiles).
const maxEnvironmentFiles = 10

// parseSecrets reads the secrets of a container: where their values are kept, never the values. The texts are those of real
// accounts (CircleCI-Public/aws-ecs-orb#210, dagster-io/dagster#11622, cdk-preflight's pf-ecs-environment-files-type).
func parseSecrets(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	var twice []string
	for i, s := range c.Secrets {
		name, from := value(s.Name), value(s.ValueFrom)
		switch {
		case name == "":
			return inContainer(out.Name, "secrets[%d].name should not be null or empty.", i)
		case strings.ContainsAny(name, "=\x00"):
			return inContainer(out.Name, "secrets[%d].name contains invalid characters.", i)
		case from == "":
			return inContainer(out.Name, "secrets[%d].valueFrom should not be null or empty.", i)
		case strings.HasPrefix(from, "arn:") && !secretARN(from) && !parameterARN(from):
			return refusef("Invalid arn syntax.")
		case strings.Contains(from, "\x00"):
			return inContainer(out.Name, "secrets[%d].valueFrom contains invalid characters.", i)
		}
		if slices.ContainsFunc(out.Secrets, func(s ecs.Secret) bool { return s.Name == name }) && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
		out.Secrets = append(out.Secrets, ecs.Secret{Name: name, ValueFrom: from})
	}
	if len(twice) > 0 {
		return refusef("Duplicate secret names found: %s. Each secret name must be unique.", strings.Join(twice, ", "))
	}
	for _, s := range out.Secrets {
		if slices.ContainsFunc(out.Environment, func(v ecs.Variable) bool { return v.Name == s.Name }) {
			return refusef("The secret name must be unique and not shared with any new or existing environment variables set on the "+
				"container, such as '%s'.", s.Name)
		}
	}
	return nil
}

// secretARN says whether s is the ARN of a secret of Secrets Manager, with JSON key, version stage and version id or without.
func secretARN(s string) bool {
	a, ok := arn.Parse(s)
	return ok && a.Service == "secretsmanager" && len(a.Resource) > len("secret:") && strings.HasPrefix(a.Resource, "secret:")
}

// parameterARN says whether s is the ARN of a parameter of Systems Manager.
func parameterARN(s string) bool {
	a, ok := arn.Parse(s)
	return ok && a.Service == "ssm" && len(a.Resource) > len("parameter/") && strings.HasPrefix(a.Resource, "parameter/")
}

// checkExecutionRole refuses secrets that, in ECS, nobody could read (hashicorp/terraform-provider-aws#6503).
func checkExecutionRole(role string, containers []ecs.ContainerDefinition) error {
	if role == "" && slices.ContainsFunc(containers, func(c ecs.ContainerDefinition) bool { return len(c.Secrets) > 0 }) {
		return refusef("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
	}
	return nil
}

func parseEnvironmentFiles(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) (err error) {
	out.EnvironmentFiles, err = environmentFiles(c.EnvironmentFiles, refusef)
	return err
}

// environmentFiles gives the ARNs of files of variables, which are objects in S3. The texts on their number and form are those of
// real accounts (cdk-preflight, pf-ecs-environment-files-max and -type).
func environmentFiles(in []types.EnvironmentFile, refuse func(string, ...any) error) ([]string, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > maxEnvironmentFiles {
		return nil, refuse("The maximum number of environment files was exceeded. Specify ten or less and try again.")
	}
	out := make([]string, len(in))
	for i, f := range in {
		out[i] = value(f.Value)
		a, ok := arn.Parse(out[i])
		bucket, key, _ := strings.Cut(a.Resource, "/")
		switch {
		case f.Type == "":
			return nil, refuse("environmentFiles[%d].type should not be null or empty.", i)
		case !ok, a.Service != "s3", bucket == "", key == "", strings.Contains(out[i], "\x00"):
			return nil, refuse("Invalid arn syntax.")
		case !strings.HasSuffix(key, ".env"):
			return nil, refuse("The environment file '%s' must have the file extension .env.", out[i])
		}
	}
	return out, nil
}

// parseCredentials reads which secret the image of a container is pulled with: the ARN or, in the same account, the name
// (API_RepositoryCredentials).
func parseCredentials(c *types.ContainerDefinition, _ *ecs.TaskDefinition, out *ecs.ContainerDefinition) error {
	if c.RepositoryCredentials == nil {
		return nil
	}
	out.RegistryCredentials = value(c.RepositoryCredentials.CredentialsParameter)
	switch from := out.RegistryCredentials; {
	case strings.HasPrefix(from, "arn:") && !secretARN(from):
		return refusef("Invalid arn syntax.")
	case strings.Contains(from, "\x00"):
		return inContainer(out.Name, "repositoryCredentials.credentialsParameter contains invalid characters.")
	}
	return nil
}
