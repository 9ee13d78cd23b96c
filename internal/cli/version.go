package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionVerb shows the version.
type versionVerb struct {
	outputOptions `embed:""`
}

// Help is shown with the flags.
func (versionVerb) Help() string {
	return `Examples:

    ballast version
    ballast version -o json | jq -r .version

Exit codes: 0 done, 2 usage.`
}

// Run prints it.
func (v *versionVerb) Run(s *Streams) error {
	version := Version()
	if v.json() {
		return writeJSON(s.Out, map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	_, err := fmt.Fprintf(s.Out, "ballast %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// Version is that of the module for a released binary, else "devel" and the commit that it was built from, as far as the build
// knows them.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version, modified := "devel", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && len(setting.Value) >= shortCommit:
			version += "-" + setting.Value[:shortCommit]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "-modified"
		}
	}
	return version + modified
}

// shortCommit is how much of a commit's name is shown.
const shortCommit = 12
