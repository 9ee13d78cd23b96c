// Package lifecycle holds the legal moves of tasks as a table, and how the statuses and the health of containers add up to
// those of their task.
//
// It decides nothing about when a task moves and keeps no state. Start reading at the table moves.
package lifecycle

import "ballast/internal/ecs"

const statusCount = int(ecs.StatusStopped) + 1

// moves lists the statuses that may follow directly (developer guide, Task lifecycle). What has not been done need not be
// undone: a task that no agent has heard of just stops, and one that has not been activated was registered nowhere, so that it
// is not deactivated.
var moves = [statusCount][]ecs.Status{
	ecs.StatusNone:           {ecs.StatusProvisioning},
	ecs.StatusProvisioning:   {ecs.StatusPending, ecs.StatusStopped},
	ecs.StatusPending:        {ecs.StatusActivating, ecs.StatusStopping},
	ecs.StatusActivating:     {ecs.StatusRunning, ecs.StatusDeactivating},
	ecs.StatusRunning:        {ecs.StatusDeactivating},
	ecs.StatusDeactivating:   {ecs.StatusStopping},
	ecs.StatusStopping:       {ecs.StatusDeprovisioning},
	ecs.StatusDeprovisioning: {ecs.StatusStopped},
	ecs.StatusStopped:        nil,
}

// paths holds the shortest way between every two statuses; nil where there is none.
var paths = allPaths()

// Path lists the statuses that a task passes after from, up to and including to: from PENDING to RUNNING it passes ACTIVATING
// and RUNNING; from RUNNING to STOPPED it passes DEACTIVATING, STOPPING, DEPROVISIONING and STOPPED. It is nil where to does
// not lie ahead of from. The caller must not change it.
func Path(from, to ecs.Status) []ecs.Status { return paths[from][to] }

// allPaths searches breadth first from every status. A tie cannot occur: the two ways on from a status meet again only after
// different numbers of steps.
func allPaths() (table [statusCount][statusCount][]ecs.Status) {
	for from := range moves {
		frontier := []ecs.Status{ecs.Status(from)}
		for len(frontier) > 0 {
			at := frontier[0]
			frontier = frontier[1:]
			for _, next := range moves[at] {
				if table[from][next] != nil {
					continue
				}
				way := table[from][at]
				table[from][next] = append(way[:len(way):len(way)], next)
				frontier = append(frontier, next)
			}
		}
	}
	return table
}
