package httpd

import (
	"net/http"

	"ballast/internal/ecs"
	"ballast/internal/wire"
)

// serverFault is all that a client learns of a fault of the server; the log has the rest.
const serverFault = "Service Unavailable. Please try again later."

// failure is how an error code is told.
type failure struct {
	status      int      // HTTP status in the JSON protocols
	query       ecs.Code // the same error's code in the Query protocol, where it has another
	queryStatus int      // and its HTTP status
}

// failures is the table of errors. A code that is not in it is the client's fault: 400, by the same name in every protocol.
// Sources: ECS API reference, Common Errors; STS API reference, Common Errors.
var failures = map[ecs.Code]failure{
	ecs.ServerException:                {500, "InternalFailure", 500},
	ecs.RequestEntityTooLargeException: {413, "RequestEntityTooLarge", 413},
	ecs.UnknownOperationException:      {400, "InvalidAction", 400},
	ecs.ThrottlingException:            {400, "Throttling", 400},
	ecs.AccessDeniedException:          {400, "AccessDenied", 403},
	ecs.UnrecognizedClientException:    {400, "InvalidClientTokenId", 403},
	ecs.InvalidSignatureException:      {400, "SignatureDoesNotMatch", 403},
	ecs.MissingAuthenticationToken:     {400, "MissingAuthenticationToken", 403},
	ecs.IncompleteSignatureException:   {400, "IncompleteSignature", 400},
	ecs.SerializationException:         {400, wire.MalformedInput, 400},
	ecs.InvalidParameterException:      {400, "ValidationError", 400},
}

// told gives the code and status with which an error is told in a protocol.
func told(code ecs.Code, query bool) (ecs.Code, int) {
	f, ok := failures[code]
	switch {
	case !ok:
		return code, http.StatusBadRequest
	case query:
		return f.query, f.queryStatus
	}
	return code, f.status
}

// fault says whose fault a status is, in the words of the Query protocol.
func fault(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}
