// Package sim runs Ballast in a world of its own: the machines of control and agents as in production, containers that are only
// imagined, a network, disks and clocks that fail, all under virtual time and from one seed. The same seed gives the same bytes.
//
// It is made of three parts that know each other in one direction only:
//
//   - the kernel: World (world.go) with its agenda, streams of chance and trace; server.go and host.go do for control.Machine and
//     agent.Machine what their run.go do in production; network.go lies between them;
//   - histories: options drawn from the seed (options.go), what users do (history.go, behaviour.go), what breaks (faults.go), and
//     what is put right before the calm after it (repair.go);
//   - checks: Observers of a World (check*.go) that know what must hold after every step, and at the end.
//
// There is no goroutine, no wall clock and no I/O here. Start reading at Run, then World.
package sim
