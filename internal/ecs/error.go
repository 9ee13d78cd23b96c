package ecs

import "fmt"

// Code is the name of an error type as the ECS API reference lists it, for example "ClusterNotFoundException". It is what
// AWS clients switch on.
type Code string

// The error types of the ECS API that Ballast answers with (ECS API reference, Common Errors and per-operation errors).
const (
	ClientException                            Code = "ClientException"
	InvalidParameterException                  Code = "InvalidParameterException"
	ServerException                            Code = "ServerException"
	ClusterNotFoundException                   Code = "ClusterNotFoundException"
	ServiceNotFoundException                   Code = "ServiceNotFoundException"
	ClusterContainsServicesException           Code = "ClusterContainsServicesException"
	ClusterContainsTasksException              Code = "ClusterContainsTasksException"
	ClusterContainsContainerInstancesException Code = "ClusterContainsContainerInstancesException"
	ServiceNotActiveException                  Code = "ServiceNotActiveException"
	ServiceDeploymentNotFoundException         Code = "ServiceDeploymentNotFoundException"
	UnsupportedFeatureException                Code = "UnsupportedFeatureException"
	ConflictException                          Code = "ConflictException"
	LimitExceededException                     Code = "LimitExceededException"
	ThrottlingException                        Code = "ThrottlingException"
	AccessDeniedException                      Code = "AccessDeniedException"
	UnknownOperationException                  Code = "UnknownOperationException"
	SerializationException                     Code = "SerializationException"
	UnrecognizedClientException                Code = "UnrecognizedClientException"
	InvalidSignatureException                  Code = "InvalidSignatureException"
	MissingAuthenticationToken                 Code = "MissingAuthenticationTokenException"
	IncompleteSignatureException               Code = "IncompleteSignatureException"
	RequestEntityTooLargeException             Code = "RequestEntityTooLargeException"
	ResourceNotFoundException                  Code = "ResourceNotFoundException"
)

// Error is a refusal that a client is meant to read: a code it can switch on and a sentence it can act on. Any other error
// that reaches the API is a fault of the server; its text is logged and not shown.
type Error struct {
	Code    Code
	Message string
}

// Error gives the code and the message as AWS clients print them.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Errorf makes an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
