// Program app is what the containers of the docker driver's tests run; its first argument says what it does.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	args := os.Args[2:]
	switch os.Args[1] {
	case "polite": // also the first process of a container, which the kernel spares what it does not handle itself
		code, _ := strconv.Atoi(args[0])
		polite(code)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "print":
		for _, a := range args {
			out := os.Stdout
			if a[0] == 'e' {
				out = os.Stderr
			}
			fmt.Fprintln(out, a[1:])
		}
	case "listen":
		listen(args)
		polite(143)
	case "eat": // so many MiB, or until something ends it
		most := 1 << 30
		if len(args) > 0 {
			most, _ = strconv.Atoi(args[0])
		}
		var all [][]byte
		for len(all) < most {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			all = append(all, block)
		}
		fmt.Println("full")
		polite(143)
		fmt.Println(len(all)) // it has been needed until now
	case "hang":
		time.Sleep(time.Hour)
	case "pause": // as the first process of a task's pause container
		signal.Ignore(syscall.SIGCHLD)
		time.Sleep(time.Hour)
	case "facts":
		facts(args)
		polite(143)
	case "write": // a file and its text
		if err := os.WriteFile(args[0], []byte(args[1]), 0o644); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "dial": // "host:port"
		c, err := net.DialTimeout("tcp", args[0], 5*time.Second)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		io.Copy(os.Stdout, c)
	case "shell": // repeats what it reads, says what it writes to, and ends with a code at "exit"
		shell()
	}
}

// facts says what a process sees of the isolation of its container: who and where it is, and lines of files, named as "file" or
// "file:beginning of line".
func facts(files []string) {
	host, _ := os.Hostname()
	fmt.Printf("uid %d gid %d pid %d host %s\n", os.Getuid(), os.Getgid(), os.Getpid(), host)
	for _, name := range files {
		name, start, _ := strings.Cut(name, ":")
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Println(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if strings.HasPrefix(line, start) {
				fmt.Println(name, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	fmt.Println("root:", os.WriteFile("/new", nil, 0o644))
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		fmt.Println("interface", i.Name, addresses)
	}
}

func shell() {
	fmt.Fprintln(os.Stderr, "to stderr")
	_, err := os.Stdin.Stat()
	fmt.Println("terminal:", isTerminal(), err)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "size" {
			fmt.Println("size:", terminalSize())
			continue
		}
		if code, ok := strings.CutPrefix(lines.Text(), "exit "); ok {
			n, _ := strconv.Atoi(code)
			os.Exit(n)
		}
		fmt.Println("heard", lines.Text())
	}
}

// terminalSize is "rows columns" of the terminal that standard input is.
func terminalSize() string {
	var size [4]uint16
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return errno.Error()
	}
	return fmt.Sprint(size[0], " ", size[1])
}

func isTerminal() bool { return !strings.Contains(terminalSize(), " device") }

func polite(code int) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("ready")
	<-signals
	os.Exit(code)
}

// listen binds ports, given as "tcp/80" or "udp/53".
func listen(args []string) {
	for _, a := range args {
		network, port, _ := strings.Cut(a, "/")
		var err error
		if network == "udp" {
			_, err = net.ListenPacket(network, ":"+port)
		} else {
			var l net.Listener
			if l, err = net.Listen(network, ":"+port); err == nil {
				go answer(l)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// answer says hello to whoever connects.
func answer(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(c, "hello")
		c.Close()
	}
}
