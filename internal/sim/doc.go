// Package sim runs Ballast in a world of its own: the machines of control and agents as in production, containers that are only
// imagined, a network, disks and clocks that fail, all under virtual time and from one seed. The same seed gives the same bytes.
//
// It is made of three parts that know each other in one direction only:
//
//   - the kernel: World (world.go) with its agenda, streams of chance and trace; server.go and host.go do for control.Machine and
//     agent.Machine what their run.go do in production; network.go lies between them;
//   - histories: a History says as data all that happens from outside (history.go, acts.go, breaks.go), a player carries it out
//     (player.go), an author makes one up as it goes, from options drawn from a seed (options.go, draw_acts.go, draw_breaks.go,
//     behaviour.go), and Shrink makes one that fails shorter;
//   - checks: Observers of a World (check*.go) that know what must hold after every step, and at the end.
//
// There is no goroutine, no wall clock and no I/O here. Start reading at Replay, then World.
package sim
