package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ballast/internal/agent/keeper"
)

// TestMain makes the test binary its own keeper and its own containers: "<binary> keeper --dir DIR" and "<binary> app ...".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case keeper.Verb:
			os.Exit(runKeeper(os.Args[3]))
		case keeper.LimitVerb:
			os.Exit(keeper.BecomeLimited(os.Args[2:]))
		case "app":
			app(os.Args[2], os.Args[3:])
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// runKeeper is the keeper's process. It gets nothing but its directory, so the directory's name says what a test wants of it.
func runKeeper(dir string) int {
	cfg := keeper.Config{Dir: dir, NoCgroups: strings.Contains(dir, "no-cgroups")}
	if strings.Contains(dir, "short-idle") {
		cfg.IdleAfter = 50 * time.Millisecond
	}
	if err := keeper.Run(context.Background(), cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// app is a container's program.
func app(verb string, args []string) {
	switch verb {
	case "sleep":
		fmt.Println("ready")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
	case "polite":
		code, _ := strconv.Atoi(args[0])
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("ready")
		<-signals
		os.Exit(code)
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "print":
		printAll(args)
		return
	case "listen":
		listenAll(args)
		fmt.Println("ready")
	case "eat":
		eat(args[0])
	case "spin":
		for range 1 << 32 {
			spun++
		}
	case "whoami":
		whoami()
	case "env":
		for _, v := range os.Environ() {
			fmt.Println(v)
		}
		return
	case "daemonize":
		daemonize(args)
	case "chatter":
		chatter()
	case "server":
		server(args[0])
	}
	time.Sleep(time.Hour)
}

// whoami tells what this process is bound to.
func whoami() {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &files); err != nil {
		fmt.Println(err)
	}
	groups, _ := syscall.Getgroups()
	_, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
	fmt.Println("uid", syscall.Getuid(), "gid", syscall.Getgid(), "groups", groups, "core", files.Cur, files.Max, "stdout", err)
	fmt.Println("ready")
}

// spun keeps the loop of "spin" from being left out.
var spun int

var eaten []byte

// eat uses so many MiB of memory.
func eat(mebibytes string) {
	fmt.Println("ready")
	n, _ := strconv.Atoi(mebibytes)
	eaten = make([]byte, n<<20)
	for i := 0; i < len(eaten); i += 4096 {
		eaten[i] = 1
	}
}

// printAll writes its arguments, those that begin with "e" to standard error.
func printAll(args []string) {
	for _, a := range args {
		if a[0] == 'e' {
			fmt.Fprintln(os.Stderr, a[1:])
		} else {
			fmt.Println(a[1:])
		}
	}
}

// listenAll binds the ports of its arguments, "tcp/80" or "udp/53", where the environment says.
func listenAll(args []string) {
	for _, a := range args {
		network, port, _ := strings.Cut(a, "/")
		address := net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT_"+port))
		var err error
		if network == "udp" {
			_, err = net.ListenPacket(network, address)
		} else {
			_, err = net.Listen(network, address)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// daemonize leaves a grandchild in a session of its own, whose parent is gone; with "stay" it goes on itself, else it exits.
func daemonize(args []string) {
	switch args[0] {
	case "middle":
		cmd := exec.Command(os.Args[0], "app", "leaf")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
		}
		fmt.Println("leaf", cmd.Process.Pid)
		os.Exit(0)
	default:
		cmd := exec.Command(os.Args[0], "app", "daemonize", "middle")
		cmd.Stdout = os.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Run(); err != nil {
			fmt.Println(err)
		}
		fmt.Println("ready")
		if args[0] == "leave" {
			os.Exit(3)
		}
		signal.Ignore(syscall.SIGTERM)
	}
}

// chatter writes numbered lines, faster than anybody reads them, until it has written 20,000; then it says how it went.
func chatter() {
	fmt.Println("ready")
	for i := range 20000 {
		if _, err := fmt.Printf("line %d of much too much output\n", i); err != nil {
			os.Exit(9)
		}
	}
	fmt.Println("done")
	os.Exit(0)
}

// server starts a container through a driver of its own, and is then there to be killed.
func server(dir string) {
	d, err := Open(context.Background(), Config{KeeperDir: dir, Exe: os.Args[0], Dir: "/"})
	if err == nil {
		err = d.Create(context.Background(), key(1), command("polite", "6"))
	}
	if err == nil {
		_, err = d.Start(context.Background(), key(1))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
}
