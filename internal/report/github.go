package report

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// github writes workflow commands, one per group: GitHub shows ten of each severity.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func (r *Report) github() string {
	var out strings.Builder
	command := map[krm.Severity]string{krm.Error: "error", krm.Warning: "warning", krm.Info: "notice"}
	for _, g := range r.groups() {
		text := g.String()
		if len(g.all) > 1 {
			text = strings.Join(append([]string{g.sentence()}, g.objects()...), "\n")
		}
		at := quote.Property(r.file(g.Finding))
		if line := r.line(g.Finding); line > 0 {
			at += fmt.Sprintf(",line=%d", line)
		}
		fmt.Fprintf(&out, "::%s file=%s,title=%s::%s\n", command[g.Severity], at, quote.Property("flux-trust: "+string(g.Code)), quote.Annotation(text))
	}
	fmt.Fprintf(&out, "%s: %s\n", r.Tool, r.verdict())
	return out.String()
}

// file returns where to look for what a finding is about: the config where nothing says
// it, because code scanning refuses a result without a place.
func (r *Report) file(f *Finding) string {
	switch {
	case f.File != nil && f.File.Path != stdin:
		return f.File.Path
	case f.Folder != "":
		return path.Join(filepath.ToSlash(f.Folder), "kustomization.yaml")
	default:
		return r.Config
	}
}

// line returns the line in that file, or 0.
func (r *Report) line(f *Finding) int {
	if f.File == nil || f.File.Path == stdin || r.Lines == nil {
		return 0
	}
	if lines := r.Lines(f.File.Path); f.File.Index < len(lines) {
		return lines[f.File.Index]
	}
	return 0
}

// stdin is the name of what was read from there.
const stdin = "stdin"
