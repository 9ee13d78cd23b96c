package explain

import (
	"strconv"
	"strings"

	"ballast/internal/ecs"
)

// advices say what to do about failures. The first that fits is given; "%image", "%container", "%memory" and "%instance" are filled in.
var advices = []struct {
	fits func(*failure) bool
	text string
}{
	{reasonHas("no space left", "disk quota"), "Free disk space on container instance %instance: its disk is full."},
	{reasonHas("CannotPull"), "Check the image name %image, whether it is in the registry, and the login (--registry-auth, repositoryCredentials)."},
	{reasonHas("OutOfMemory"), "Raise the memory of container %container (%memory), or find out what takes it up."},
	{reasonHas("ResourceInitializationError"), "Check the secrets and environment files of container %container, and the folder given with --secrets."},
	{reasonHas("no such file", "not found", "CannotExec"), "Check command, entryPoint and workingDirectory of container %container, and the image."},
	{reasonHas("permission denied"), "Check that the command of container %container may be run, and as which user."},
	{exits(127), "Check the command of container %container: 127 says that it was not found."},
	{exits(126), "Check the command of container %container: 126 says that it cannot be run."},
	{func(f *failure) bool { return f.exited && f.exit == 0 && f.Service != "" }, "Container %container ended by itself without an error. A service is for what goes on; run what ends with \"aws ecs run-task\"."},
	{exits(139), "Container %container crashed (SIGSEGV)."},
	{exits(137), "Something killed container %container (SIGKILL); where that was for memory, raise its limit (%memory)."},
	{func(f *failure) bool { return f.code == ecs.InfrastructureHealth }, "See to container instance %instance: its agent was not heard of."},
}

func reasonHas(parts ...string) func(*failure) bool {
	return func(f *failure) bool {
		for _, part := range parts {
			if strings.Contains(strings.ToLower(f.reason), strings.ToLower(part)) {
				return true
			}
		}
		return false
	}
}

func exits(code int32) func(*failure) bool {
	return func(f *failure) bool { return f.exited && f.exit == code }
}

// advice says what to do about a failure: what is likely, and where to look.
func (f *failure) advice() []string {
	var tips []string
	for _, a := range advices {
		if a.fits(f) {
			tips = append(tips, f.fill(a.text))
			break
		}
	}
	if f.code == ecs.ServiceSchedulerInitiated {
		for i := range f.Definition.Containers {
			if check := f.Definition.Containers[i].HealthCheck; check != nil && f.Containers[i].Health == ecs.HealthUnhealthy {
				tips = append(tips, "See why the check of container "+f.Definition.Containers[i].Name+" fails: "+strings.Join(check.Command, " "))
			}
		}
		if f.Service != "" {
			tips = append(tips, "Tag the service ballast:debug-keep=1 to keep the next one running, to look into it.")
		}
	}
	if f.code != ecs.InfrastructureHealth && (f.StartedAt != 0 || f.exited) {
		tips = append(tips, ballast(f.Cluster, "logs "+short(f.ID))+"   # what it wrote")
	}
	return tips
}

func (f *failure) fill(text string) string {
	image, memory := "", "no limit"
	for i := range f.Definition.Containers {
		if c := &f.Definition.Containers[i]; c.Name == f.container {
			image = c.Image
			if c.Memory > 0 {
				memory = "limit " + strconv.Itoa(c.Memory) + " MiB"
			}
		}
	}
	if limit := f.Definition.Memory; limit > 0 && memory == "no limit" {
		memory = "limit of the task " + strconv.Itoa(limit) + " MiB"
	}
	return strings.NewReplacer("%image", image, "%container", f.container, "%memory", memory, "%instance", short(f.Instance)).Replace(text)
}
