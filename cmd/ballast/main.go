// Command ballast is the whole product in one program. It does nothing itself: package cli reads the command line and runs
// what it says. Start reading there, at Main.
package main

import (
	"os"

	"ballast/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.Process())) }
