//go:debug x509negativeserial=1

// Command flux-trust gives Flux controllers a company CA.
//
// It reads roots with a negative serial number, which Go would refuse to, so that they
// can be judged.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"fluxtrust.dev/flux-trust/internal/command"
)

// version is stamped by the build.
var version = "dev"

func main() {
	delayCollection()
	// A closed stdout is an error to report, not a reason to die without a word.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(command.Execute(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr))
}

// delayCollection lets the heap grow to 16 MiB before the garbage is collected for
// the first time: most runs end before, and would lose a tenth of their time. From then
// on half of what is in use may be garbage, where usually all of it may.
func delayCollection() {
	const first, then = 400, 50 // percent of 4 MiB, and of what is in use
	debug.SetGCPercent(first)
	runtime.AddCleanup(new(struct{ _ *int }), func(percent int) { debug.SetGCPercent(percent) }, then)
}
