// Package wire turns bytes into the AWS SDK's own request types and the SDK's own response types into bytes, for the
// protocols that AWS clients speak to Ballast: AWS JSON 1.0 and 1.1 (ECS, CloudWatch Logs) and AWS Query with XML answers
// (STS).
//
// Names on the wire are asked of the SDK, never guessed: each type is made to describe itself once to a recording
// serializer, and the result, its shape, is kept. Whether a member is required is asked of the SDK's validation in the same way.
//
// The package never validates values (enums, lengths, patterns), never does I/O and keeps no state but its caches. Errors
// meant for the client are [ecs.Error]; any other error is a fault of the server.
//
// Start reading at shape.go; then encode.go and decode.go for JSON, query.go and xml.go for Query, required.go for missing
// members.
package wire
