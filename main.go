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
	delayCollection(firstGoal)
	// A closed stdout is an error to report, not a reason to die without a word.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(command.Execute(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr))
}

// firstGoal is how far the heap grows before the garbage is collected, in percent of 4
// MiB: most runs end before, and would lose a tenth of their time.
const firstGoal = 200

// delayCollection lets the heap grow by a percentage until the next collection, and from
// then on to 8 MiB, or by a half: Go's usual 100 percent would make the peak of a run a
// third larger.
func delayCollection(percent int) {
	const goal, least = 8 << 20, 50
	debug.SetGCPercent(percent)
	runtime.AddCleanup(new(struct{ _ *int }), func(struct{}) {
		var heap runtime.MemStats
		runtime.ReadMemStats(&heap)
		delayCollection(max(least, int(100*goal/heap.HeapAlloc)-100)) //nolint:gosec // a heap is never empty
	}, struct{}{})
}
