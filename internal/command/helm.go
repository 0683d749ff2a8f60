package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// helmMessages returns the file for the messages of a post-renderer of Helm 4, which
// throws away what its plugins write to stderr, also when they fail. It is "" where the
// program does not run as such a plugin.
func helmMessages(program string, getenv func(string) string) string {
	dir := getenv("HELM_PLUGIN_DIR")
	if dir == "" || filepath.Dir(program) != filepath.Clean(dir) {
		return ""
	}
	return filepath.Join(dir, "messages.txt")
}

// withMessages runs a command whose messages go to a file, too. It returns the exit code.
func withMessages(file string, errOut io.Writer, run func(errOut io.Writer) int) int {
	if file == "" {
		return run(errOut)
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // Helm names the folder
	if err != nil {
		printError(errOut, fmt.Errorf("keeping the messages, which Helm does not show: %w", err))
		return run(errOut)
	}
	code := run(io.MultiWriter(errOut, out))
	if code != 0 {
		_, _ = fmt.Fprintf(errOut, "flux-trust: Helm does not show the messages of a plugin; they are in %s\n", file) // there is no better place to say that it failed
	}
	if err := out.Close(); err != nil {
		printError(errOut, fmt.Errorf("keeping the messages: %w", err))
	}
	return code
}
