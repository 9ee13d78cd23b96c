package httpd

import "strings"

// Service is one AWS service whose protocol is spoken here.
type Service uint8

// The services spoken.
const (
	ECS Service = iota
	Logs
	STS
)

// protocols says how clients address each service and what its protocol's documents need. The signing name is both the
// service in a credential's scope and the prefix of its actions in IAM.
var protocols = [...]struct {
	signingName  string
	targetPrefix string // AWS JSON: X-Amz-Target up to the dot; empty for AWS Query
	version      string // AWS Query: the Version parameter
	namespace    string // AWS Query: of the XML
}{
	ECS:  {signingName: "ecs", targetPrefix: "AmazonEC2ContainerServiceV20141113"},
	Logs: {signingName: "logs", targetPrefix: "Logs_20140328"},
	STS:  {signingName: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/"},
}

// String gives the service's signing name: ecs, logs, sts.
func (s Service) String() string { return protocols[s].signingName }

func (s Service) query() bool { return protocols[s].targetPrefix == "" }

// byTarget reads an X-Amz-Target header.
func byTarget(target string) (s Service, operation string, ok bool) {
	prefix, operation, _ := strings.Cut(target, ".")
	for s := range protocols {
		if p := protocols[s].targetPrefix; p != "" && p == prefix {
			return Service(s), operation, true
		}
	}
	return 0, "", false
}

// byVersion reads the Version parameter of a Query request.
func byVersion(version string) (Service, bool) {
	for s := range protocols {
		if v := protocols[s].version; v != "" && v == version {
			return Service(s), true
		}
	}
	return 0, false
}
