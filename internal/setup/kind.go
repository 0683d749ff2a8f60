package setup

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Kind is what a folder is, as far as it matters here.
type Kind string

// The kinds.
const (
	// Kustomization is a folder with one, or that flux bootstrap fills: it gets patches.
	Kustomization Kind = "Kustomization"
)

// plan says what the folder is to be.
func (k Kind) plan(o *Options, c *config, given []Root) (*Plan, error) {
	return o.folder(c, given)
}

// where returns the comment of a new config that says where it may stand.
func (k Kind) where(name string) string {
	return "# It may stand in the folder that Flux builds, beside kustomization.yaml, and under nothing of\n" +
		"# that: Flux runs no functions, and takes what it does from patches. After a change here:\n" +
		"#   flux-trust patches " + name + ".yaml --write .\n"
}

// annotation returns further annotations of a new config.
func (k Kind) annotation() string { return "" }

// manifests returns the files with YAML of a folder.
func manifests(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// hasKind reports whether a text holds an object of a kind, at least nearly.
func hasKind(text, kind string) bool {
	return strings.Contains(text, kind) && regexp.MustCompile(`(?m)\bkind"?: *["']?`+kind+`\b`).MatchString(text)
}

// says names a kind in a sentence.
func (k Kind) says() string { return "a folder with a kustomization" }
