package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"ballast/internal/driver"
)

// Names of failures that only this driver knows (amazon-ecs-agent, dockerapi/errors.go).
const (
	cannotCreateVolumeError      = "CannotCreateVolumeError"
	cannotInspectVolumeError     = "CannotInspectVolumeError"
	cannotPullImageManifestError = "CannotPullImageManifestError"
	cannotPullContainerAuthError = "CannotPullContainerAuthError"
	cannotInspectContainerError  = "CannotInspectContainerError"
)

// passing are parts of errors with which an engine answers that is about to end, or that has lost its containerd. They say nothing
// about the container.
var passing = []string{"context canceled", ": unavailable", "transport is closing", "ttrpc: closed", "daemon is shutting down"}

// fault sorts an error of the engine: one that it answered with is about the container and has a name in ECS, and so has one that
// did not come in time; any other passes. ctx is the caller's, limited the one that the call was bounded with.
func fault(ctx, limited context.Context, err error, name, state string, limit time.Duration, doing string) error {
	switch {
	case ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return &driver.Error{Name: driver.DockerTimeoutError, Text: fmt.Sprintf("Could not transition to %s; timed out after waiting %v", state, limit)}
	case !answered(err):
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &driver.Error{Name: name, Text: reason(err)}
}

// daemonSays begins what an engine answers: so the client writes it, so the agent of ECS passes it on ("CannotPullContainerError: Error response
// from daemon: pull access denied for ..."), and people's alarms look for it.
const daemonSays = "Error response from daemon: "

// answered says whether an error is the engine's answer, as opposed to one of the way to it.
func answered(err error) bool {
	for _, part := range passing {
		if strings.Contains(err.Error(), part) {
			return false
		}
	}
	return errdefs.IsInternal(err) || errdefs.IsNotFound(err) || errdefs.IsConflict(err) || errdefs.IsInvalidArgument(err) ||
		errdefs.IsPermissionDenied(err) || errdefs.IsUnauthorized(err) || errdefs.IsNotImplemented(err) || errdefs.IsFailedPrecondition(err)
}

// reason is an engine's error as ECS shows it with a container. Docker has two texts for a port that is taken: its own for one of another
// container, the kernel's for one of another program.
func reason(err error) string {
	text := err.Error()
	if strings.Contains(text, "port is already allocated") {
		text += " (address already in use)"
	}
	return text
}

// plain is an engine's error without who says it, for people who have asked for one thing and wait for it.
func plain(err error) string { return strings.TrimPrefix(err.Error(), daemonSays) }
