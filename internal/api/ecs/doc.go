// Package ecs serves the operations of the Amazon ECS API: it checks a request field by field, turns it into a command for
// control or a read of the committed state, and shows the records as ECS shows them.
//
// It decides nothing that depends on time, chance or more than one look at the state; that is control's. What a request may
// contain is written down once, in fields.go: whatever is set and not listed there is refused by name, never dropped. How
// far Ballast goes with each field is told to users in docs/compatibility.md, which a test compares with that table.
//
// Start reading at api.go; then refuse.go for the fields, definition*.go for task definitions, service*.go, task*.go.
package ecs
