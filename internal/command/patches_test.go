package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatchesGolden runs every folder of testdata/patches: config.yaml, args and
// the files that they name in, expected.yaml and stderr.txt out. A folder without
// expected.yaml must end with exit code 1.
func TestPatchesGolden(t *testing.T) {
	folders, err := filepath.Glob("testdata/patches/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no golden folders: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Chdir(folder)
			args, err := os.ReadFile("args")
			if err != nil {
				t.Fatal(err)
			}
			stdout, stderr, code := run(nil, append([]string{"patches", "config.yaml"}, strings.Fields(string(args))...)...)
			if *update {
				writeGolden(t, "expected.yaml", stdout, stderr, code)
			}
			compare(t, "stderr.txt", stderr)
			if bytes.Contains(stdout, []byte("${")) {
				t.Error("the patches hold what Flux substitutes")
			}
			if _, err := os.Stat("expected.yaml"); os.IsNotExist(err) {
				if code != 1 || len(stdout) > 0 {
					t.Errorf("exit code %d and %d bytes on stdout, want 1 and none", code, len(stdout))
				}
				return
			}
			if code != 0 {
				t.Errorf("exit code %d, want 0\n%s", code, stderr)
			}
			compare(t, "expected.yaml", stdout)
		})
	}
}
