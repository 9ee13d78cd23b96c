package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// pauseVerb is what the docker driver runs this program as in a container that only holds namespaces for others of its task; people
// have no use for it.
type pauseVerb struct{}

// Run waits for the end. It may be the first process of containers that share their process ids: with SIGCHLD ignored the kernel
// buries the processes that their parents have left behind.
func (pauseVerb) Run() error {
	signal.Ignore(syscall.SIGCHLD)
	settleDown()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	return nil
}
