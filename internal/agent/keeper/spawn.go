package keeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Verb is the command line's word for a keeper: "<program> keeper --dir DIR", hidden from help.
const Verb = "keeper"

// readyVariable tells a spawned keeper on which descriptor its parent waits.
const readyVariable = "BALLAST_KEEPER_READY"

// maxTalk is the size at which what keepers said on their standard error is begun anew.
const maxTalk = 1 << 20

// Spawn makes sure that a keeper serves a directory: it runs exe as one and returns when it can be dialled. If one serves the
// directory already, that stays. The keeper gets nothing of this process: neither environment, descriptors, session nor working
// directory.
func Spawn(ctx context.Context, dir, exe string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("spawn keeper: %w", err)
	}
	if err := secureDir(dir); err != nil {
		return err
	}
	talk, err := openTalk(dir)
	if err != nil {
		return fmt.Errorf("spawn keeper: %w", err)
	}
	defer talk.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("spawn keeper: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(exe, Verb, "--dir", dir)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", readyVariable + "=3"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = talk, talk
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = detached()
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("spawn keeper: %w", err)
	}
	go cmd.Wait() // takes its exit status, should it end before us
	stop := context.AfterFunc(ctx, func() { r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	said, err := bufio.NewReader(r).ReadString('\n')
	switch said = strings.TrimSpace(said); {
	case said == readyWord:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("spawn keeper: %w", ctx.Err())
	case said != "":
		return fmt.Errorf("spawn keeper: %s", said)
	}
	return fmt.Errorf("spawn keeper: it ended at once (see %s): %w", talkPath(dir), err)
}

func openTalk(dir string) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(talkPath(dir)); err == nil && info.Size() > maxTalk {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(talkPath(dir), flags, 0o600)
}

// readyWord is what a keeper says when it can be dialled.
const readyWord = "ready"

// ready is how a keeper tells whoever spawned it that it serves, or why not. It is nil for one that nobody waits for.
type ready struct{ f *os.File }

func takeReady() *ready {
	if os.Getenv(readyVariable) != "3" {
		return nil
	}
	os.Unsetenv(readyVariable)
	unix.CloseOnExec(3)
	return &ready{f: os.NewFile(3, "ready")}
}

// say tells once; what is said later is not heard.
func (r *ready) say(err error) {
	if r == nil || r.f == nil {
		return
	}
	text := readyWord
	if err != nil {
		text = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if _, err := r.f.WriteString(text + "\n"); err != nil && !errors.Is(err, os.ErrClosed) {
		fmt.Fprintln(os.Stderr, "tell the parent:", err)
	}
	r.f.Close()
	r.f = nil
}
