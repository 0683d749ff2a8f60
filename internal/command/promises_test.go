package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromises: each promise of docs/security.md names tests that exist, in the packages
// that it names behind them.
func TestPromises(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Promises")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(table, -1)
	if len(rows) < 5 { // the head is one
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows[1:] {
		named := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1)
		var tests []string
		found, inPackage := 0, false
		for _, name := range named {
			if strings.HasPrefix(name[1], "Test") || strings.HasPrefix(name[1], "Fuzz") {
				if inPackage {
					tests = nil
				}
				tests, inPackage = append(tests, name[1]), false
				continue
			}
			inPackage = true
			for _, test := range tests {
				found++
				if !hasTest(t, name[1], test) {
					t.Errorf("%s has no %s", name[1], test)
				}
			}
		}
		if found == 0 {
			t.Errorf("no test holds %s", row[0])
		}
	}
}

// hasTest reports whether a folder of the project has a test.
func hasTest(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}
