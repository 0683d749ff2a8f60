package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const listHead = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"

const listTail = `functionConfig:
  apiVersion: fluxtrust.dev/v1alpha1
  kind: FluxTrust
  metadata:
    name: corporate-ca
  spec:
    caBundle:
    - configMap: {name: z-scaler-ca, keys: [Company-Root-CA.crt]}
`

const controller = `- apiVersion: apps/v1
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

// manyItems returns a ResourceList of small ConfigMaps with a controller.
func manyItems(count int) []byte {
	var list bytes.Buffer
	list.WriteString(listHead + controller)
	for i := range count {
		fmt.Fprintf(&list, "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: app-%d\n  data:\n    url: https://app-%[1]d.example.com\n", i)
	}
	list.WriteString(listTail)
	return list.Bytes()
}

func writeFile(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start starts the function over a file on stdin, with a pipe on stdout.
func start(t *testing.T, input string) (*exec.Cmd, io.ReadCloser, *bytes.Buffer) {
	t.Helper()
	in, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	cmd := exec.Command(program(t, "FLUX_TRUST"))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out, &stderr
}

// TestKilledWriter kills the function at 200 offsets of its output. Whoever looks at
// the exit code, as kustomize and kpt do, never takes a part for the whole; and a
// part of a ResourceList lacks what stands at its end.
func TestKilledWriter(t *testing.T) {
	input := writeFile(t, manyItems(2_000))
	cmd, out, stderr := start(t, input)
	whole, err := io.ReadAll(out)
	if err != nil || cmd.Wait() != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	const offsets = 200
	killed := 0
	for i := range offsets {
		cmd, out, _ := start(t, input)
		part := make([]byte, len(whole)*i/offsets)
		if _, err := io.ReadFull(out, part); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		part = slices.Concat(part, rest)
		if !bytes.HasPrefix(whole, part) {
			t.Fatalf("offset %d: the output is no part of the whole", i)
		}
		if cmd.Wait() == nil {
			if len(part) != len(whole) {
				t.Errorf("offset %d: exit code 0 with %d of %d bytes", i, len(part), len(whole))
			}
			continue
		}
		killed++
		if len(part) < len(whole) && bytes.Contains(part, []byte("\nfunctionConfig:")) && bytes.HasSuffix(part, whole[len(whole)-100:]) {
			t.Errorf("offset %d: %d of %d bytes look whole", i, len(part), len(whole))
		}
	}
	if killed < offsets*3/4 {
		t.Errorf("only %d of %d were killed while they wrote", killed, offsets)
	}
}

func TestClosedStdout(t *testing.T) {
	for _, args := range [][]string{nil, {"../examples/quickstart/functionconfig.yaml", "../examples/quickstart/flux-system/gotk-components.yaml"}} {
		cmd := exec.Command(program(t, "FLUX_TRUST"), args...)
		in, err := os.Open(writeFile(t, manyItems(10)))
		if err != nil {
			t.Fatal(err)
		}
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, writer, &stderr
		err = cmd.Run()
		_, _ = in.Close(), writer.Close()
		if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "writing to stdout: ") {
			t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), &stderr)
		}
	}
}

// TestBounds throws what is too much at the function: it must end, within a
// memory that it is told here, and write nothing after an error.
func TestBounds(t *testing.T) {
	bomb := "a0: &a0 [" + strings.Repeat("x, ", 9) + "x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%[1]d [%s*a%d]\n", i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	deployment := strings.ReplaceAll(strings.Replace(controller, "- ", "  ", 1), "\n  ", "\n")[2:]
	const base = 64 // MiB
	for name, tc := range map[string]struct {
		input []part
		want  string // on stderr; "" for success
	}{
		"alias bomb":                {[]part{{deployment + bomb, 1}}, "has more than 1000000 nodes once its aliases are expanded"},
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
			cmd := exec.Command(program(t, "FLUX_TRUST"), "../examples/quickstart/functionconfig.yaml", file)
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

// part is a text, repeated. The test holds no large one in memory: a process starts
// with the peak of the one that has started it.
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
