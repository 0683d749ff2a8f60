// Command flux-trust gives Flux controllers a company CA.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"fluxtrust.dev/flux-trust/command"
)

// version is stamped by the build.
var version = "dev"

// ballast is how much memory the garbage collector thinks is in use from the start.
// It costs addresses only, and most runs end before the first collection, which
// would take a fifth of their time.
const ballast = 16 << 20

func main() {
	idle := make([]byte, ballast)
	// A closed stdout is an error to report, not a reason to die without a word.
	signal.Ignore(syscall.SIGPIPE)
	code := command.Execute(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(idle)
	os.Exit(code)
}
