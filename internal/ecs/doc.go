// Package ecs holds the words of the product: clusters, task definitions, services, deployments, tasks and container
// instances, with their statuses, stop codes and reasons, and the validation that needs nothing but the value itself.
//
// Values are immutable once they have been handed to the journal: whoever changes one copies it first. The package never
// does I/O, never reads a clock and knows no AWS SDK type. Start reading at task.go.
package ecs
