package command

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHelmMessages(t *testing.T) {
	for name, tc := range map[string]struct{ program, dir, want string }{
		"not under Helm":        {"/usr/bin/flux-trust", "", ""},
		"as a plugin of Helm":   {"/plugins/flux-trust/flux-trust", "/plugins/flux-trust/", "/plugins/flux-trust/messages.txt"},
		"run by another plugin": {"/usr/bin/flux-trust", "/plugins/secrets", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := helmMessages(tc.program, func(string) string { return tc.dir }); got != filepath.FromSlash(tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWithMessages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.txt")
	for code, wantStderr := range []string{"said 0\n", "said 1\nflux-trust: Helm does not show the messages of a plugin; they are in " + file + "\n"} {
		var stderr bytes.Buffer
		got := withMessages(file, &stderr, func(errOut io.Writer) int {
			_, _ = fmt.Fprintf(errOut, "said %d\n", code)
			return code
		})
		kept, err := os.ReadFile(file)
		if want := fmt.Sprintf("said %d\n", code); err != nil || got != code || string(kept) != want || stderr.String() != wantStderr {
			t.Errorf("exit code %d, %v, kept %q, stderr %q", got, err, kept, &stderr)
		}
	}

	var stderr bytes.Buffer
	if code := withMessages(filepath.Join(file, "no", "folder"), &stderr, func(io.Writer) int { return 0 }); code != 0 || !strings.Contains(stderr.String(), "keeping the messages") {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
}
