package e2e

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected files of the examples anew")

const examples = "../examples"

// makes names what runs the tests that need a program, by its variable. A row of
// tools/programs.txt has none: its variable is its name in capitals.
var makes = map[string]string{
	"FLUX_TRUST":                 "make test",
	"KUSTOMIZE":                  "make test",
	"KUBE_SCORE":                 "make e2e",
	"ETCD":                       "make e2e-cluster",
	"KUBE_APISERVER":             "make e2e-cluster",
	"SOURCE_CONTROLLER":          "make e2e-cluster",
	"IMAGE_REFLECTOR_CONTROLLER": "make e2e-cluster",
}

// program returns a program that make has built, or skips the test.
func program(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		by, ok := makes[variable]
		if !ok {
			by = "make e2e, after make e2e-tools,"
		}
		t.Skipf("SKIPPED: %s is not set; %s runs this test", variable, by)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// result is what a program has printed, and its exit code.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a program in a folder, with the function on its PATH.
func run(t *testing.T, dir string, name string, args ...string) result {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	if function := os.Getenv("FLUX_TRUST"); function != "" {
		absolute, err := filepath.Abs(function)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(absolute)+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// copyExample copies an example, so that it can be changed, and the others beside it.
func copyExample(t *testing.T, name string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(examples)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, name)
}

func replaceInFile(t *testing.T, file, old, by string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	write(t, file, strings.ReplaceAll(string(data), old, by))
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant %s:\n%s", got, file, want)
	}
}

// write writes a file that a test needs.
func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
