package ecs

import (
	"strings"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/arn"
	"ballast/internal/ecs"
)

// What a task definition may hold (Amazon ECS service quotas).
const (
	maxContainers = 10
	maxDefinition = 64 << 10 // bytes of JSON
)

// refusef makes the refusal of a task definition; RegisterTaskDefinition gives ClientException for all its own faults.
func refusef(format string, args ...any) error {
	return ecs.Errorf(ecs.ClientException, format, args...)
}

// inContainer is a refusal in the form "Invalid setting for container 'x'. ..." of real accounts.
func inContainer(name, format string, args ...any) error {
	e := ecs.Errorf(ecs.ClientException, format, args...)
	e.Message = "Invalid setting for container '" + name + "'. " + e.Message
	return e
}

// checkDefinition refuses what is wrong with a definition as a whole and with each container by itself. Texts are those of
// real accounts where known: "Family contains invalid characters." and "Too many containers." (aws/amazon-ecs-cli#37 and #184),
// "Container list cannot be empty." (fog-aws), "Role is not valid" (terraform-provider-aws), those on names and essential
// containers (cdk-preflight, pf-ecs-...).
func checkDefinition(in *awsecs.RegisterTaskDefinitionInput) error {
	family := value(in.Family)
	switch {
	case family == "":
		return refusef("Family can not be blank.")
	case len(family) > arn.MaxName:
		return refusef("Family should be %d characters or less", arn.MaxName)
	case !arn.ValidName(family):
		return refusef("Family contains invalid characters.")
	case len(in.ContainerDefinitions) == 0:
		return refusef("Container list cannot be empty.")
	case len(in.ContainerDefinitions) > maxContainers:
		return refusef("Too many containers.")
	case !validRole(in.TaskRoleArn), !validRole(in.ExecutionRoleArn):
		return refusef("Role is not valid")
	}
	essential := false
	for i := range in.ContainerDefinitions {
		c := &in.ContainerDefinitions[i]
		if err := checkContainer(c); err != nil {
			return err
		}
		for _, other := range in.ContainerDefinitions[:i] {
			if *other.Name == *c.Name {
				return refusef("Container names must be unique within a task definition.")
			}
		}
		essential = essential || c.Essential == nil || *c.Essential
	}
	if !essential {
		return refusef("Task definition doesn't have any essential container.")
	}
	return nil
}

func validRole(role *string) bool { return value(role) == "" || arn.ValidRole(*role) }

// checkContainer looks at the names and texts of a container. The texts are those of real accounts (hashicorp/terraform#2888,
// hashicorp/terraform-provider-aws#5950 and #22629, aws/aws-cli#5924).
func checkContainer(c *types.ContainerDefinition) error {
	name, image := value(c.Name), value(c.Image)
	switch {
	case name == "":
		return refusef("Container.name should not be null or empty.")
	case len(name) > arn.MaxName:
		return refusef("Container.name should be %d characters or less", arn.MaxName)
	case !arn.ValidName(name):
		return refusef("Container.name contains invalid characters.")
	case image == "":
		return refusef("Container.image should not be null or empty.")
	case len(strings.SplitN(image, "@", 2)[0]) > arn.MaxName:
		return refusef("Container.image should be %d characters or less", arn.MaxName)
	case !arn.ValidImage(image):
		return refusef("Container.image contains invalid characters.")
	case value(c.StopTimeout) < 0:
		return inContainer(name, "stopTimeout must not be negative.")
	case value(c.StartTimeout) < 0:
		return inContainer(name, "startTimeout must not be negative.")
	case strings.Contains(value(c.WorkingDirectory), "\x00"):
		return inContainer(name, "workingDirectory contains invalid characters.")
	case hasNUL(c.Command):
		return inContainer(name, "command contains invalid characters.")
	case hasNUL(c.EntryPoint):
		return inContainer(name, "entryPoint contains invalid characters.")
	}
	return checkEnvironment(c.Environment, refusef)
}

// checkEnvironment refuses what no process could be given. The text on blank names is that of real accounts
// (thnery/terraform-aws-template#2).
func checkEnvironment(environment []types.KeyValuePair, refuse func(string, ...any) error) error {
	for _, v := range environment {
		switch name := value(v.Name); {
		case name == "":
			return refuse("Environment variable name cannot be null or blank.")
		case strings.ContainsAny(name, "=\x00") || strings.Contains(value(v.Value), "\x00"):
			return refuse("Environment variable %q contains invalid characters.", name)
		}
	}
	return nil
}

func hasNUL(words []string) bool {
	for _, w := range words {
		if strings.Contains(w, "\x00") {
			return true
		}
	}
	return false
}

// checkSizes looks at the CPU and memory of a definition as parsed (API_ContainerDefinition, memory and memoryReservation). The texts
// on what is greater than what are those of real accounts (klothoplatform/klotho#892, cdk-preflight's pf-ecs-container-memory-...).
func checkSizes(d *ecs.TaskDefinition) error {
	cpu, memory := 0, 0
	for i := range d.Containers {
		c := &d.Containers[i]
		switch {
		case c.CPU < 0 || c.CPU > maxTaskCPU:
			return inContainer(c.Name, "cpu must be between 0 and %d.", maxTaskCPU)
		case c.Memory == 0 && c.MemoryReservation == 0 && d.Memory == 0:
			return inContainer(c.Name, "At least one of 'memory' or 'memoryReservation' must be specified.")
		case c.Memory != 0 && (c.Memory < minMemory || c.Memory > maxMemory):
			return inContainer(c.Name, "'memory' must be at least %d MiB and at most %d MiB.", minMemory, maxMemory)
		case c.MemoryReservation != 0 && (c.MemoryReservation < minMemory || c.MemoryReservation > maxMemory):
			return inContainer(c.Name, "'memoryReservation' must be at least %d MiB and at most %d MiB.", minMemory, maxMemory)
		case c.Memory != 0 && c.Memory < c.MemoryReservation:
			return inContainer(c.Name, "'memory' must be greater than or equal to 'memoryReservation'.")
		case d.Memory != 0 && c.Memory > d.Memory:
			return refusef("The 'memory' setting for container '%s' is greater than for the task.", c.Name)
		}
		cpu += c.CPU
		memory += reserved(c.Memory, c.MemoryReservation)
	}
	if d.CPU != 0 && cpu > d.CPU {
		return refusef("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")
	}
	if d.Memory != 0 && memory > d.Memory {
		return refusef("The sum of all container 'memory' values cannot be greater than the value of the task 'memory'.")
	}
	return nil
}

// reserved is the memory that placement subtracts for a container: the soft limit, else the hard one (API_ContainerDefinition).
func reserved(memory, reservation int) int {
	if reservation != 0 {
		return reservation
	}
	return memory
}
