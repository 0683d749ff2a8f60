package stream_test

import (
	"fmt"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/stream"
)

// TestLines: each document is found on the line that it has by its index.
func TestLines(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int // documents whose line is known
	}{
		"one":                {"kind: A\n", 1},
		"several":            {"# head\n\nkind: A\n---\nkind: B\n---\n# comment\n\n# another\nkind: C\n", 3},
		"empty ones":         {"---\n---\n# nothing\n---\nkind: A\n...\n---\nkind: B\n", 4},
		"on a marker":        {"--- {kind: A}\n---\nkind: B\n", 0},
		"directive, BOM":     {"\ufeff%YAML 1.2\n---\nkind: A\n---\nkind: B\n", 2},
		"marker in a text":   {"kind: A\ntext: |\n  ---\n  x\n---\nkind: B\n", 2},
		"line breaks of DOS": {"kind: A\r\n---\r\nkind: B\r\n", 2},
		"a list":             {"kind: List\nitems:\n- kind: A\n- kind: B\n---\nkind: C\n", 2},
		"JSON":               {"kind: A\n---\n{\"kind\": \"B\"}\n{\"kind\": \"C\"}\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := stream.Split("x", []byte(tc.text), func(_, _, _ []byte) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			lines := stream.Lines([]byte(tc.text))
			if len(lines) != tc.want {
				t.Errorf("%d lines, want %d: %v", len(lines), tc.want, lines)
			}
			for _, d := range documents {
				if d.Resource() == nil || d.Index >= len(lines) {
					continue
				}
				kind := d.Resource().GetKind()
				if text := strings.Split(tc.text, "\n")[lines[d.Index]-1]; !strings.Contains(text, "kind: "+kind) && !strings.Contains(text, "kind: List") {
					t.Errorf("%s is not in line %d: %s", kind, lines[d.Index], fmt.Sprintf("%q", text))
				}
			}
		})
	}
}
