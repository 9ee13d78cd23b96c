//go:build !linux

package keeper

import "syscall"

// forker makes processes. Elsewhere than on Linux a thread has nothing of its own that would matter.
type forker struct{ chore func() }

func newForker(chore func()) (*forker, error) { return &forker{chore}, nil }

func (f *forker) close() {}

func (f *forker) call() { f.chore() }

func (f *forker) fork(_ []string, path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	return syscall.ForkExec(path, argv, attr)
}
