package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
)

const intro = `# Performance

This page is written by ` + "`make bench`" + `, in one run. It runs whole processes one after
the other, in turn, and takes the least time of each, since what else a machine does only
adds, and its highest peak. CPU is user and system time, peak is the
resident memory, both from getrusage, as ` + "`/usr/bin/time -v`" + ` shows them.

The resources are small ConfigMaps with the seven Deployments of the example's
Flux in their middle; *plain kyaml function* is the same transform behind kyaml's
own reader and writer, *grep* counts a text in the same bytes, and the others make
the same change by hand. kustomize's own patches are left out beyond 1,000 items, since
ten times as many take more than a minute. Budgets are in **g**, the CPU of *grep* on the
same bytes, and **e**, that of an empty Go program, because machines differ. [The stream](stream.md) says how it is done.

`

// report writes the page and the picture, and prints the page.
func report(all []figures, curves []curve) error {
	var page strings.Builder
	page.WriteString(intro)
	page.WriteString("![CPU time by the number of items](performance.svg)\n\n## Budgets\n\n| budget | limit | measured | |\n|---|---|---|---|\n")
	for _, b := range budgets(all) {
		fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", b.what, b.format(b.limit), b.format(b.measured), kept(b.measured > b.limit == b.atLeast))
	}
	page.WriteString(growthTable(curves))
	page.WriteString("\n## Measured\n\n| input | size | way | CPU | wall | peak | CPU against flux-trust | runs |\n|---|---|---|---|---|---|---|---|\n")
	base := 0.0
	for i, f := range all {
		if i == 0 || all[i-1].input != f.input {
			base = f.cpu
		}
		fmt.Fprintf(&page, "| %s | %.2f MB | %s | %.1f ms | %.1f ms | %.0f MiB | %.2f × | %d |\n", f.input, float64(f.bytes)/1e6, f.tool, f.cpu, f.wall, f.peak, f.cpu/base, f.runs)
	}
	fmt.Fprintf(&page, "\nMeasured with %s on %s/%s, %d CPUs. Ratios travel, milliseconds do not.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Fprintf(&page, "The load of the machine was %s; where that is more than its CPUs, even CPU time is too high.\n", strings.Fields(string(load))[0])
	}
	fmt.Print(page.String())
	if err := os.WriteFile("docs/performance.md", []byte(page.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile("docs/performance.svg", []byte(plot(all)), 0o644)
}

// budget is a promise about the figures.
type budget struct {
	what            string
	limit, measured float64
	unit            string
	atLeast         bool
}

func (b budget) format(v float64) string {
	sign := "≤ "
	if b.atLeast {
		sign = "≥ "
	}
	if v != b.limit {
		sign = ""
	}
	return fmt.Sprintf("%s%.4g %s", sign, v, b.unit)
}

func budgets(all []figures) []budget {
	get := func(input, tool string) figures {
		for _, f := range all {
			if f.input == input && f.tool == tool {
				return f
			}
		}
		return figures{}
	}
	const most, mixed, list, one, stock, manifests = "50000 items", "50000 items, 2 % Deployments and 2 % Secrets of others", "kind: List of 30000 items", "one controller", "stock Flux", "real manifests"
	const flux, filter, grep, grepPlain, empty = "flux-trust", "flux-trust, as a filter", "grep -c", "grep -c, over documents", "an empty Go program"
	// In e, the CPU of an empty Go program, and g, that of grep over the same bytes.
	e := get(one, empty).cpu
	inG := func(what, input, tool, against string, limit float64) budget {
		return budget{what + ": CPU, less 8 e", limit, (get(input, tool).cpu - 8*e) / get(input, against).cpu, "g", false}
	}
	peak := func(what, input, tool string) budget {
		f := get(input, tool)
		return budget{what + ": peak memory, 1.3 × the input + 20 MiB", 1.3*float64(f.bytes)/(1<<20) + 20, f.peak, "MiB", false}
	}
	const times, plumbing = 200, 1.05
	return []budget{
		{"50,000 items: CPU of the plain kyaml function against flux-trust", times, get(most, "plain kyaml function").cpu / get(most, flux).cpu, "×", true},
		inG("50,000 items, ResourceList", most, flux, grep, 5),
		inG("50,000 items, documents", most, filter, grepPlain, 5),
		peak("50,000 items", most, flux),
		inG("the same with 4 % of others, ResourceList", mixed, flux, grep, 5),
		inG("the same with 4 % of others, documents", mixed, filter, grepPlain, 5),
		peak("the same with 4 % of others", mixed, flux),
		inG("kind: List, 30,000 items", list, filter, grepPlain, 10),
		peak("kind: List, 30,000 items", list, filter),
		inG("real manifests", manifests, filter, grepPlain, 10),
		peak("real manifests", manifests, filter),
		{"one controller: CPU with start-up", 5, get(one, filter).cpu / e, "e", false},
		{"stock Flux: CPU with start-up", 9, get(stock, filter).cpu / e, "e", false},
		{"stock Flux: kustomize build against one whose function only copies", plumbing, get(stock, "kustomize, flux-trust").cpu / get(stock, "kustomize, cat").cpu, "×", false},
	}
}

// plot draws CPU time over the number of items, both logarithmic.
func plot(all []figures) string {
	const width, height, left, top, right, bottom = 720, 420, 70, 20, 190, 50
	x := func(items float64) float64 {
		return left + (math.Log10(items)-1)/(math.Log10(5e4)-1)*(width-left-right)
	}
	y := func(ms float64) float64 {
		return height - bottom - math.Log10(max(ms, 1))/math.Log10(1e5)*(height-top-bottom)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", width, height)
	for ms, label := range map[float64]string{1: "1 ms", 10: "10 ms", 100: "100 ms", 1000: "1 s", 10000: "10 s", 100000: "100 s"} {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.0f" y2="%[3]f" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end">%s</text>`+"\n", left, width-right, y(ms), left-6, y(ms)+4, label)
	}
	var names []string
	lines := map[string][]figures{}
	for _, f := range all {
		if f.items == 0 {
			continue
		}
		if lines[f.tool] == nil {
			names = append(names, f.tool)
		}
		lines[f.tool] = append(lines[f.tool], f)
	}
	for _, f := range lines["flux-trust"] {
		fmt.Fprintf(&out, `<text x="%.0f" y="%d" text-anchor="middle">%d</text>`+"\n", x(float64(f.items)), height-bottom+18, f.items)
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle">items</text>`+"\n", (width-right+left)/2, height-12)
	colors := []string{"#0b62d6", "#c1121f", "#888888", "#1a936f", "#e08e00", "#7b2cbf"}
	for i, name := range names {
		var points []string
		var lastX, lastY float64
		for _, f := range lines[name] {
			lastX, lastY = x(float64(f.items)), y(f.cpu)
			points = append(points, fmt.Sprintf("%.1f,%.1f", lastX, lastY))
		}
		color := colors[i%len(colors)]
		fmt.Fprintf(&out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n",
			strings.Join(points, " "), color, lastX+8, lastY+4, color, name)
	}
	out.WriteString("</svg>\n")
	return out.String()
}
