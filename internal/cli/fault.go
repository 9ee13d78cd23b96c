package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	domain "ballast/internal/ecs"
	"ballast/internal/sample"
)

// usageError is a mistake in the command line, or in a file that it names: nothing has been done.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// noServerError says that nothing answers at an endpoint.
type noServerError struct {
	endpoint string
	cause    error
}

func (e noServerError) Error() string {
	return fmt.Sprintf(`no Ballast answers at %s: %v
Start one with "ballast up", or name another one with --endpoint-url or BALLAST_ENDPOINT.`, e.endpoint, e.cause)
}

func (e noServerError) Unwrap() error { return e.cause }

// notSteadyError says that the time for becoming steady is up.
type notSteadyError struct{ text string }

func (e notSteadyError) Error() string { return e.text }

// rolloutError says that a rollout has failed.
type rolloutError struct {
	text string
	// steady says that the service runs all the same, on what it was rolled back to.
	steady bool
}

func (e rolloutError) Error() string { return e.text }

// errInterrupted ends a verb at once, with nothing left to say.
var errInterrupted = errors.New("interrupted")

// finish says what went wrong, if anything, and gives the exit code.
func finish(s *Streams, err error) int {
	code, text := verdict(err)
	if text != "" {
		fmt.Fprintf(s.Err, "%s %s\n", paint(s.ErrColor, bad, "ballast:"), text)
	}
	return code
}

// verdict gives the exit code of an error and what to say about it.
func verdict(err error) (code int, text string) {
	var (
		usage     usageError
		exit      sample.ExitError
		command   exitError
		noServer  noServerError
		notSteady notSteadyError
	)
	switch {
	case err == nil:
		return exitDone, ""
	case errors.As(err, &exit):
		return exit.ExitCode(), ""
	case errors.As(err, &command):
		return int(command), ""
	case errors.Is(err, errDiffers), errors.Is(err, errUnexpected):
		return exitFailed, ""
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted, ""
	case errors.As(err, &usage):
		return exitUsage, err.Error()
	case errors.As(err, &noServer):
		return exitNoServer, noServer.Error()
	case errors.As(err, &notSteady):
		return exitNotSteady, err.Error()
	}
	return exitFailed, plainText(err) + whatNext(err)
}

// whatNext says what could be done about a refusal that people come to by a setting of their own, "" about any other.
func whatNext(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	switch api.ErrorCode() {
	case "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException":
		return "\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a line of the server's --credentials file."
	case string(domain.ClusterNotFoundException):
		return "\nName the cluster with --cluster; \"aws ecs list-clusters\" lists those that there are."
	}
	return ""
}

// plainText gives an error without what the SDK wraps around a refusal (the operation, the HTTP status, a request id).
func plainText(err error) string {
	var op *smithy.OperationError
	var api smithy.APIError
	if !errors.As(err, &op) {
		return err.Error()
	}
	text := op.Err.Error()
	if errors.As(err, &api) {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return strings.Replace(err.Error(), op.Error(), text, 1)
}

// unreachable says whether an error means that there is no server: as told apart from one that refuses or breaks off.
func unreachable(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// isNotFound says whether a refusal means that what was asked for is not there.
func isNotFound(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException"
}
