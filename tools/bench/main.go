// Command bench measures flux-trust against other ways to make the same change,
// as whole processes: CPU time and peak memory from getrusage, the best of
// interleaved runs. It writes docs/performance.md and docs/performance.svg. With -short
// it writes nothing, and fails where CPU or memory grow faster than the input.
//
// It keeps little in memory itself: a child starts with the peak of its parent.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// tool is a way to make the change.
type tool struct {
	name  string
	args  []string
	stdin bool // the input comes on stdin
	most  int  // items, beyond which it takes too long
}

// input is a stream in its forms: files and a folder for kustomize.
type input struct {
	name, list, plain, folder string
	items                     int
	bytes                     int64
	// few leaves out the other ways to make the change.
	few bool
}

// figures are those of one tool over one input: the least time, and the highest peak.
type figures struct {
	input           string
	tool            string
	items           int
	bytes           int64
	cpu, wall, peak float64 // milliseconds, milliseconds, MiB
	runs            int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "flux-trust-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	if err := os.Setenv("PATH", filepath.Join(root, "bin")+":"+os.Getenv("PATH")); err != nil {
		return err
	}
	if slices.Contains(os.Args[1:], "-short") {
		return short(dir)
	}
	inputs, err := writeInputs(dir)
	if err != nil {
		return err
	}
	var all []figures
	for _, in := range inputs {
		fmt.Fprintf(os.Stderr, "bench: %s\n", in.name)
		measured, err := measureAll(in)
		if err != nil {
			return err
		}
		all = append(all, measured...)
	}
	curves, err := growth(dir, shapeNames(), []int{1, 2, 4, 8}, 5)
	if err != nil {
		return err
	}
	return report(all, curves)
}

// toolsFor lists the ways for an input. Those that come first are the ones that
// budgets are about.
func toolsFor(in input) []tool {
	empty := tool{"an empty Go program", []string{"bench-empty"}, false, 1e9}
	filter := tool{"flux-trust, as a filter", []string{"flux-trust", config, in.plain}, false, 1e9}
	grepPlain := tool{"grep -c, over documents", []string{"grep", "-c", "kind: Deployment", in.plain}, false, 1e9}
	switch {
	case in.few && in.list == "":
		return []tool{filter, grepPlain, empty}
	case in.few:
		return []tool{
			{"flux-trust", []string{"flux-trust"}, true, 1e9},
			filter,
			{"grep -c", []string{"grep", "-c", "kind: Deployment"}, true, 1e9},
			grepPlain, empty,
		}
	}
	tools := []tool{}
	if in.list != "" {
		tools = append(tools,
			tool{"flux-trust", []string{"flux-trust"}, true, 1e9},
			tool{"plain kyaml function", []string{"bench-plain"}, true, 1e9},
			tool{"grep -c", []string{"grep", "-c", "kind: Deployment"}, true, 1e9})
	}
	if in.plain != "" {
		tools = append(tools, filter,
			tool{"yq", []string{"yq", yqChange, in.plain}, false, 10_000})
		tools = append(tools, grepPlain, empty)
	}
	if in.folder != "" {
		build := []string{"kustomize", "build", "--enable-alpha-plugins", "--enable-exec"}
		tools = append(tools, tool{"kustomize, patches", append(slices.Clone(build), filepath.Join(in.folder, "patches")), false, 1_000})
		if in.items == 0 {
			tools = append(tools,
				tool{"kustomize, flux-trust", append(slices.Clone(build), filepath.Join(in.folder, "function")), false, 1e9},
				tool{"kustomize, cat", append(slices.Clone(build), filepath.Join(in.folder, "cat")), false, 1e9})
		}
	}
	return slices.DeleteFunc(tools, func(t tool) bool { return in.items > t.most })
}

// measureAll runs the tools in turn, so that what else the machine does meets all
// of them. It only ever adds to the time, so the least of some runs is the nearest.
func measureAll(in input) ([]figures, error) {
	const rounds, slow, slowRounds = 15, 1 * time.Second, 1
	tools := toolsFor(in)
	runs := make([][]figures, len(tools))
	for round := range rounds {
		for i, t := range tools {
			if round >= slowRounds && runs[i][0].wall > float64(slow.Milliseconds()) {
				continue
			}
			f, err := measure(t, in)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], f)
		}
	}
	var bests []figures
	for _, r := range runs {
		best := r[0]
		best.runs = len(r)
		for _, f := range r {
			best.cpu, best.wall, best.peak = min(best.cpu, f.cpu), min(best.wall, f.wall), max(best.peak, f.peak)
		}
		bests = append(bests, best)
	}
	return bests, nil
}

// measure runs a tool once. Its output goes where it costs nothing.
func measure(t tool, in input) (figures, error) {
	cmd := exec.Command(t.args[0], t.args[1:]...)
	if t.stdin {
		file, err := os.Open(in.list)
		if err != nil {
			return figures{}, err
		}
		defer func() { _ = file.Close() }()
		cmd.Stdin = file
	}
	if t.args[0] == "grep" { // into /dev/null, it stops at the first match
		out, err := os.CreateTemp("", "flux-trust-bench")
		if err != nil {
			return figures{}, err
		}
		defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }()
		cmd.Stdout = out
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return figures{}, fmt.Errorf("%v: %w", t.args, err)
	}
	wall := time.Since(start)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return figures{}, fmt.Errorf("this system has no getrusage")
	}
	const millisecond = float64(time.Millisecond)
	return figures{
		input: in.name, tool: t.name, items: in.items, bytes: in.bytes,
		cpu:  float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()) / millisecond,
		wall: float64(wall) / millisecond,
		peak: float64(usage.Maxrss) / 1024, // kilobytes, on Linux
	}, nil
}
