// Command table reads the events of go test -json on stdin and prints what ran, what
// was skipped and why: TestMatrix as ways by examples, then every other test. The
// output of what failed comes first.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// event is one of go test -json: go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// result is what became of a test, or of a package.
type result struct {
	name, action, output string
	hasParts             bool
}

const matrix = "TestMatrix/"

func run(in io.Reader, out io.Writer) error {
	results, err := read(in)
	if err != nil {
		return err
	}
	var failures, table strings.Builder
	for _, r := range results {
		if r.action == "fail" || r.action == "build-fail" || r.action == "" && r.name != "" { // died on the way
			failures.WriteString(r.output)
		}
	}
	notes := &notes{}
	printMatrix(&table, results, notes)
	printRest(&table, results, notes)
	for i, why := range *notes {
		fmt.Fprintf(&table, "(%d) skipped: %s\n", i+1, why)
	}
	if _, err := io.WriteString(out, failures.String()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, table.String()); err != nil {
		return err
	}
	return w.Flush()
}

// read returns the results in the order in which the tests began.
func read(in io.Reader) ([]*result, error) {
	var results []*result
	byName := map[string]*result{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			return results, nil
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("reading the events: %w", err)
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			e = event{Action: "fail", Package: "go test", Output: line} // it says so itself
		}
		key := e.Package + e.ImportPath + " " + e.Test
		r := byName[key]
		if r == nil {
			r = &result{name: e.Test}
			byName[key], results = r, append(results, r)
			for i, c := range key { // the name of a part may hold a slash
				if above := byName[key[:i]]; c == '/' && above != nil {
					above.hasParts = true
				}
			}
		}
		r.output += e.Output
		switch e.Action {
		case "pass", "fail", "skip", "build-fail":
			r.action = e.Action
		}
	}
}

// notes are the reasons of skips, each once.
type notes []string

var reason = regexp.MustCompile(`_test\.go:\d+: (?:SKIPPED: )?(.*)`)

// of returns what stands for a result in the table.
func (n *notes) of(r *result) string {
	switch {
	case r == nil:
		return ""
	case r.action == "pass":
		return "ran"
	case r.action != "skip":
		return "FAILED"
	}
	why := "without a reason"
	if match := reason.FindStringSubmatch(r.output); match != nil {
		why = match[1]
	}
	i := slices.Index(*n, why)
	if i < 0 {
		i, *n = len(*n), append(*n, why)
	}
	return fmt.Sprintf("(%d)", i+1)
}

func printMatrix(w *strings.Builder, results []*result, notes *notes) {
	var ways, examples []string
	cells := map[string]*result{}
	for _, r := range results {
		way, example, found := strings.Cut(strings.TrimPrefix(r.name, matrix), "/")
		if !found || !strings.HasPrefix(r.name, matrix) {
			continue
		}
		cells[way+"/"+example] = r
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
		if !slices.Contains(examples, example) {
			examples = append(examples, example)
		}
	}
	if len(ways) == 0 {
		return
	}
	var heads [2]string
	for _, way := range ways {
		first, second, _ := strings.Cut(way, "_")
		heads[0] += "\t" + first
		heads[1] += "\t" + strings.ReplaceAll(second, "_", " ")
	}
	fmt.Fprintf(w, "example%s\n%s\n", heads[0], heads[1])
	for _, example := range examples {
		fmt.Fprint(w, example)
		for _, way := range ways {
			fmt.Fprint(w, "\t"+notes.of(cells[way+"/"+example]))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

func printRest(w *strings.Builder, results []*result, notes *notes) {
	fmt.Fprintln(w, "test\tran\tskipped\tfailed")
	for _, top := range results {
		if top.name == "" || strings.Contains(top.name, "/") {
			continue
		}
		var ran, failed int
		var skipped []string
		for _, r := range results {
			if r.hasParts || r.name != top.name && !strings.HasPrefix(r.name, top.name+"/") {
				continue
			}
			switch note := notes.of(r); note {
			case "ran":
				ran++
			case "FAILED":
				failed++
			default:
				skipped = append(skipped, note)
			}
		}
		if failed == 0 && top.action == "fail" {
			failed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", top.name, number(ran), counted(skipped), number(failed))
	}
	fmt.Fprintln(w)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// counted returns how often which note stands in a list.
func counted(list []string) string {
	var parts []string
	for _, note := range slices.Compact(slices.Sorted(slices.Values(list))) {
		n := 0
		for _, other := range list {
			if other == note {
				n++
			}
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, note))
	}
	return strings.Join(parts, ", ")
}
