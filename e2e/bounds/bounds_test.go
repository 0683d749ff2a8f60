package bounds

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: source-controller
  namespace: flux-system
spec:
  selector: {matchLabels: {app: source-controller}}
  template:
    spec:
      containers:
      - name: manager
        image: registry.example.com/fluxcd/source-controller:v1.9.6
`

// TestBounds throws what is too much at the function: it must end, within a
// memory that it is told here, and write nothing after an error.
func TestBounds(t *testing.T) {
	bomb := "a0: &a0 [" + strings.Repeat("x, ", 9) + "x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%[1]d [%s*a%d]\n", i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	function := os.Getenv("FLUX_TRUST")
	if function == "" {
		t.Skip("SKIPPED: FLUX_TRUST is not set; run this test with: make test")
	}
	const base = 64 // MiB
	for name, tc := range map[string]struct {
		input []part
		want  string // on stderr; "" for success
	}{
		"alias bomb":                {[]part{{deployment + bomb, 1}}, "has more than 100000 values once its aliases are expanded"},
		"alias bomb, elsewhere":     {[]part{{deployment + "---\n" + bomb, 1}}, ""},
		"scalar of 100 MB":          {[]part{{deployment + "---\nkind: ConfigMap\ndata: ", 1}, {"0123456789", 10 << 20}, {"\n", 1}}, ""},
		"scalar of 100 MB, needed":  {[]part{{deployment + "x: ", 1}, {"0123456789", 10 << 20}, {"\n", 1}}, "more than 32 MiB would have to be parsed"},
		"block of 100 MB":           {[]part{{deployment + "---\nkind: ConfigMap\ndata:\n  x: |\n", 1}, {"    0123456789012345\n", 5 << 20}}, ""},
		"a million empty documents": {[]part{{"---\n", 1_000_000}, {deployment, 1}}, ""},
		"nesting of 10,000, flow":   {[]part{{deployment + "---\na: ", 1}, {"[", 10_001}, {"]", 10_001}, {"\n", 1}}, "exceeded max depth of 10000"},
		"nesting of 10,000, lists":  {[]part{{deployment + "---\na:\n", 1}, {"- ", 10_001}, {"b\n", 1}}, "exceeded max depth of 10000"},
		"nesting of 10,000, JSON":   {[]part{{"{\"a\":", 10_001}, {"1", 1}, {"}", 10_001}, {"\n---\n" + deployment, 1}}, "exceeded max depth of 10000"},
		"truncated":                 {[]part{{deployment + "---\na: \"b", 1}}, "is not valid YAML"},
		"truncated in a flow":       {[]part{{deployment + "---\na: {b: [", 1}}, "is not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			file, size := writeParts(t, tc.input)
			cmd := exec.Command(function, "../../examples/quickstart/functionconfig.yaml", file)
			var stderr bytes.Buffer
			var stdout counter
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if (err == nil) != (tc.want == "") || !strings.Contains(stderr.String(), tc.want) || err != nil && (stdout > 0 || cmd.ProcessState.ExitCode() != 1) {
				t.Errorf("%v, %d bytes on stdout\n%.2000s", err, stdout, &stderr)
			}
			if tc.want == "" && int(stdout) <= size {
				t.Errorf("%d bytes became %d", size, stdout)
			}
			if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" {
				peak, limit := int(usage.Maxrss)>>10, base+size>>20
				if t.Logf("peak %d MiB for %d MiB", peak, size>>20); peak > limit {
					t.Errorf("more than %d MiB", limit)
				}
			}
		})
	}
}

// part is a text, repeated. The test holds no large one in memory, and its package
// imports little: a process starts with the peak of the one that has started it.
type part struct {
	text  string
	times int
}

func writeParts(t *testing.T, parts []part) (file string, size int) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "input.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	for _, p := range parts {
		for range p.times {
			n, _ := out.WriteString(p.text) // Flush has the error
			size += n
		}
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name(), size
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
