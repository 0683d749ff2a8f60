package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "fluxtrust.dev/flux-trust"

// packages returns the imports of every package of the function, from this module,
// by the names that docs/design.md gives them.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-C", "..", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	name := func(path string) string {
		if path == module {
			return "main"
		}
		return strings.TrimPrefix(path, module+"/")
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		var imports []string
		for _, path := range fields[1:] {
			if strings.HasPrefix(path, module) {
				imports = append(imports, name(path))
			}
		}
		found[name(fields[0])] = imports
	}
	return found
}

// TestHouse holds the picture and the table of docs/design.md against the imports.
func TestHouse(t *testing.T) {
	text := read(t, "../docs/design.md")
	drawn, rows := map[string][]string{}, map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^  (\S+) --> (\S+)$`).FindAllStringSubmatch(text, -1) {
		drawn[arrow[1]] = append(drawn[arrow[1]], arrow[2])
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\|").FindAllStringSubmatch(text, -1) {
		rows[row[1]] = true
	}
	for name, imports := range packages(t) {
		slices.Sort(drawn[name])
		if !slices.Equal(imports, drawn[name]) {
			t.Errorf("%s imports %v, and the picture shows %v", name, imports, drawn[name])
		}
		if !rows[name] {
			t.Errorf("no row says what %s knows", name)
		}
		if name == "main" {
			continue
		}
		doc, err := os.ReadFile(filepath.Join("..", name, "doc.go"))
		if err != nil || !strings.HasPrefix(string(doc), "// Package "+filepath.Base(name)+" ") {
			t.Errorf("%s has no doc.go that says what it is", name)
		}
	}
}
