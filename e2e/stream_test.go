package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
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

// TestKilledWriter kills the function while it writes, at 200 offsets of its output.
// Whoever looks at the exit code, as kustomize and kpt do, never takes a part for the
// whole.
func TestKilledWriter(t *testing.T) {
	input := writeFile(t, manyItems(2_000))
	whole := output(t, input)
	// What a pipe holds at most. While more than that is missing, the function cannot
	// have written all, however fast it is.
	const offsets, pipe = 200, 64 << 10
	if len(whole) < 2*pipe {
		t.Fatalf("%d bytes are too few for the test", len(whole))
	}
	for i := range offsets {
		cmd, out, _ := start(t, input)
		part := make([]byte, (len(whole)-pipe)*i/offsets)
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
		if err := cmd.Wait(); err == nil || len(part) == len(whole) || !bytes.HasPrefix(whole, part) {
			t.Errorf("killed after %d bytes: %v, %d of %d bytes", len(part)-len(rest), err, len(part), len(whole))
		}
	}
}

// TestCutOutput cuts the output behind every byte. A part that reads as a ResourceList
// with less than all items lacks what stands at its end.
func TestCutOutput(t *testing.T) {
	whole := output(t, writeFile(t, manyItems(10)))
	all, ok := readList(whole)
	if !ok || len(all.Items) != 11 || len(all.FunctionConfig) == 0 || len(all.Results) == 0 {
		t.Fatalf("%d items, config %s, results %s", len(all.Items), all.FunctionConfig, all.Results)
	}
	lists := 0
	for end := range whole {
		list, ok := readList(whole[:end])
		if !ok {
			continue
		}
		lists++
		if marked := len(list.FunctionConfig) > 0 || len(list.Results) > 0; marked && !reflect.DeepEqual(list.Items, all.Items) {
			t.Errorf("cut at %d: a ResourceList with %d of %d items looks whole", end, len(list.Items), len(all.Items))
		}
	}
	if lists < len(all.Items) {
		t.Errorf("only %d parts could be read", lists)
	}
}

// output returns what the function makes of a file on stdin.
func output(t *testing.T, input string) []byte {
	t.Helper()
	cmd, out, stderr := start(t, input)
	whole, err := io.ReadAll(out)
	if err != nil || cmd.Wait() != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return whole
}

type resourceList struct {
	Kind                    string
	Items                   []any
	FunctionConfig, Results json.RawMessage
}

func readList(text []byte) (resourceList, bool) {
	var list resourceList
	err := yaml.Unmarshal(text, &list)
	return list, err == nil && list.Kind == "ResourceList"
}

// TestKilledUnderKustomize cuts the output where it still reads as a ResourceList:
// between two items, and behind the last one.
func TestKilledUnderKustomize(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	for _, awk := range []string{"/^- / && ++n == 3 {exit} {print}", "/^functionConfig:/ {exit} {print}"} {
		dir := copyExample(t, "quickstart")
		script := fmt.Sprintf("#!/bin/sh\n'%s' | awk '%s' && kill -KILL $$\n", program(t, "FLUX_TRUST"), awk)
		if err := os.WriteFile(filepath.Join(dir, "cut"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		replaceInFile(t, filepath.Join(dir, "functionconfig.yaml"), "path: flux-trust", "path: ./cut")
		if got := run(t, dir, kustomize, pluginFlags...); got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, "signal: killed") {
			t.Errorf("exit code %d, %d bytes of output\n%s", got.code, len(got.stdout), got.stderr)
		}
	}
}

// TestStdoutThatWasClosed: Go opens /dev/null for a stream that was closed before the
// program started, and all that is written would be lost without an error.
func TestStdoutThatWasClosed(t *testing.T) {
	input := writeFile(t, manyItems(10))
	for script, want := range map[string]int{
		`"$0" <"$1" >&-`:                                1,
		`"$0" <"$1" >/dev/null`:                         0,
		`"$0" patches "$2" -o kustomization >&-`:        1,
		`"$0" patches "$2" -o kustomization >/dev/null`: 0,
		`"$0" "$2" - <"$3" >&-`:                         1,
		`"$0" validate "$2" "$3" -o sarif >&-`:          1,
		`"$0" probe --host 127.0.0.1:1 >&-`:             1,
		`"$0" init "$4" --dir "$5" >&-`:                 1,
	} {
		cmd := exec.Command("sh", "-c", script, program(t, "FLUX_TRUST"), input,
			"../examples/quickstart/functionconfig.yaml", "../examples/quickstart/flux-system/gotk-components.yaml",
			"../examples/quickstart/certs/Company-Root-CA.crt", t.TempDir())
		stderr, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want || want == 1 && !strings.Contains(string(stderr), "stdout is closed") {
			t.Errorf("%s: exit code %d, %v\n%s", script, code, err, stderr)
		}
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
