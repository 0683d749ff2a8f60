package command

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPictures holds the pictures of a terminal in the documentation against what the
// commands print. What differs from run to run is what a reader expects there.
func TestPictures(t *testing.T) {
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	seen := firstSteps(t) // which leaves its folders here
	before, rest, _ := strings.Cut(seen["bootstrap"], "--- /dev/null\n")
	diff, after, _ := strings.Cut(rest, "\nWrote ")
	shell(t, "init Company-Root-CA.cer --dir clusters/prod/flux-system --force", "")
	built := kustomizeBuilt(t, "clusters/prod/flux-system")
	var report bytes.Buffer
	const config = "clusters/prod/flux-system/corporate-ca.yaml"
	if code := Execute([]string{"validate", config, "-"}, "v1.0.0", bytes.NewReader(built), &report, &report); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &report)
	}
	validated := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`).ReplaceAllString(report.String(), "2026-01-01T12:00:00Z")
	for name, text := range map[string]string{
		"init":     before + fmt.Sprintf("… %d lines of what is going to change …\n", strings.Count(diff, "\n")+1) + "Wrote " + after,
		"validate": "$ kustomize build clusters/prod/flux-system | flux-trust validate " + config + " -\n" + validated,
	} {
		file := filepath.Join(docs, name+".svg")
		picture := []byte(drawn(text))
		if *update {
			if err := os.WriteFile(file, picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, file, picture)
	}
}

// drawn returns a picture of a text as a terminal shows it.
func drawn(text string) string {
	const columns, width, height, margin = 144, 8, 18, 16
	lines := wrapped(strings.TrimSuffix(text, "\n"), columns)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">`+"\n",
		columns*width+2*margin, len(lines)*height+2*margin)
	out.WriteString(`<rect width="100%" height="100%" rx="6" fill="#0d1117"/>` + "\n")
	for i, line := range lines {
		color := "#c9d1d9"
		switch {
		case strings.HasPrefix(line, "$ "):
			color = "#7ee787"
		case strings.HasPrefix(line, "… "):
			color = "#8b949e"
		case strings.HasPrefix(line, "Wrote "), strings.HasPrefix(line, "Valid"):
			color = "#79c0ff"
		}
		if line != "" {
			fmt.Fprintf(&out, `<text x="%d" y="%d" fill="%s" xml:space="preserve">%s</text>`+"\n", margin, margin+(i+1)*height-5, color, html.EscapeString(line))
		}
	}
	return out.String() + "</svg>\n"
}

// wrapped breaks a text into lines as a terminal does.
func wrapped(text string, columns int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		for utf8.RuneCountInString(line) > columns {
			runes := []rune(line)
			lines, line = append(lines, string(runes[:columns])), string(runes[columns:])
		}
		lines = append(lines, line)
	}
	return lines
}
