// Program app is what the containers of the docker driver's tests run; its first argument says what it does.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	case "eat":
		var all [][]byte
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			all = append(all, block)
		}
	case "hang":
		time.Sleep(time.Hour)
	}
}

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
