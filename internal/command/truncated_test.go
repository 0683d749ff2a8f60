package command

import (
	"os"
	"strings"
	"testing"
)

// TestTruncated: YAML that was cut off on its way is often YAML still, and what is
// missing would be missing without a word.
func TestTruncated(t *testing.T) {
	config := stockFile(t, "config.yaml")
	whole := stockFile(t, "input.yaml")
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"config.yaml": config, "whole.yaml": whole, "cut.yaml": strings.TrimRight(whole, "\n"),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"config.yaml"}, {"validate", "config.yaml"}, {"validate", "config.yaml", "-o", "json"}, {"patches", "config.yaml", "-o", "kustomization"}} {
		for input, want := range map[string]int{"whole.yaml": 0, "cut.yaml": 1} {
			stdout, stderr, _ := run(nil, append(args, input)...)
			said := string(stderr)
			if args[0] == "validate" {
				said += string(stdout)
			}
			if got := strings.Count(said, input+" ends within a line"); got != want {
				t.Errorf("%v of %s: said %d times\n%s", args, input, got, said)
			}
		}
	}
	if _, stderr, _ := run([]byte(strings.TrimRight(whole, "\n")), "config.yaml", "whole.yaml", "-"); !strings.Contains(string(stderr), "stdin ends within a line") {
		t.Errorf("of stdin is said\n%s", stderr)
	}
}
