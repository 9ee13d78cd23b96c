// Package metadata answers containers that ask about themselves: the task metadata endpoint of ECS, versions 4 and 3, and the agent's API by
// which a task protects itself.
//
// A container is known by the id in its path, which no other can guess (Secret); there are no credentials. What is shown comes from
// the agent's view of the task and from control's record of it, and measurements from the driver; the package keeps nothing but the
// last measurement of each container, and changes nothing but a task's protection.
//
// Start reading at Server; shape.go has the answers as functions of values, stats.go those that measure,
// version.go what version 3 leaves out.
package metadata
