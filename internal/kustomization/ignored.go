package kustomization

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// tellIgnored names the files of a build that git or Flux leaves out, as lines of ignore
// files say. Without a repository nobody can say which of those count.
func (f *folder) tellIgnored(b *built) {
	if f.root == filepath.Dir(f.root) {
		return
	}
	i := newIgnoreFiles(f.root)
	for _, file := range slices.Sorted(maps.Keys(b.used)) {
		if !isIn(file, f.root) || slices.Contains(b.absent, file) || filepath.Dir(file) == f.dir && slices.Contains([]string{inputFile, nothingFile}, filepath.Base(file)) {
			continue
		}
		rel, err := filepath.Rel(f.root, file)
		if err != nil {
			continue
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		if at := i.git(parts); at != nil {
			f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is ignored by line %d of %s, so that Flux does not get it, unless git has it already; add it with git add -f, or take the line out", f.path(file), at.line, f.path(at.file))
		}
		if at := i.flux(parts); at != nil {
			f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is ignored by line %d of %s, so that Flux does not get it; take the line out", f.path(file), at.line, f.path(at.file))
		}
	}
	for _, file := range slices.Sorted(maps.Keys(i.failed)) {
		f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s could not be read, and may keep files of the build away from Flux: %s", f.path(file), f.shown(i.failed[file]))
	}
}

// IgnoredByGit reports whether a line of an ignore file keeps a file out of the repository that
// it lies in.
func IgnoredByGit(file string) bool {
	file = Resolved(file)
	root, ok := Repository(filepath.Dir(file))
	rel, err := filepath.Rel(root, file)
	if !ok || err != nil {
		return false
	}
	i := newIgnoreFiles(root)
	return i.git(strings.Split(filepath.ToSlash(rel), "/")) != nil
}

// ignoreLine is a line of an ignore file.
type ignoreLine struct {
	file string
	// line counts from 1.
	line int
}

// ignoreFiles are those of a repository.
type ignoreFiles struct {
	root string
	// ofGit and ofFlux are the patterns of the files that were read, by their paths; failed are
	// the errors of those that cannot be read.
	ofGit  map[string][]gitPattern
	ofFlux map[string][]fluxPattern
	failed map[string]error
}

func newIgnoreFiles(root string) *ignoreFiles {
	return &ignoreFiles{root: root, ofGit: map[string][]gitPattern{}, ofFlux: map[string][]fluxPattern{}, failed: map[string]error{}}
}

// fluxPattern is a line of a .sourceignore.
type fluxPattern struct {
	gitignore.Pattern
	at ignoreLine
}

// git returns the line that keeps a file out of git, or nil. In a folder that is kept out,
// nothing takes a file back.
func (i *ignoreFiles) git(parts []string) *ignoreLine {
	var patterns []gitPattern
	if isFolder(filepath.Join(i.root, ".git")) {
		patterns = i.gitPatterns(filepath.Join(i.root, ".git", "info", "exclude"), "")
	}
	dir, base := i.root, ""
	for n, part := range parts {
		patterns = append(patterns, i.gitPatterns(filepath.Join(dir, ".gitignore"), base)...)
		path, isDir := base+part, n+1 < len(parts)
		for _, p := range slices.Backward(patterns) {
			if p.matches(path, isDir) {
				if !p.negated {
					return &p.at
				}
				break
			}
		}
		dir, base = filepath.Join(dir, part), path+"/"
	}
	return nil
}

func (i *ignoreFiles) gitPatterns(file, base string) []gitPattern {
	patterns, ok := i.ofGit[file]
	if !ok {
		patterns = i.parseGit(file, base)
		i.ofGit[file] = patterns
	}
	return patterns
}

func (i *ignoreFiles) parseGit(file, base string) (patterns []gitPattern) {
	if info, err := os.Lstat(file); err == nil && filepath.Base(file) == ".gitignore" && info.Mode().Type() == os.ModeSymlink { //nolint:gosec // below the root
		return nil // git does not follow it
	}
	for n, line := range i.lines(file) {
		if n == 0 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if p, ok := parseGitPattern(line, base, ignoreLine{file, n + 1}); ok {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

// flux returns the line of a .sourceignore by which Flux leaves a file out, or nil. It is
// Flux's own code that matches: it differs from git's.
func (i *ignoreFiles) flux(parts []string) *ignoreLine {
	for n := len(parts) - 1; n >= 0; n-- {
		for _, p := range slices.Backward(i.fluxPatterns(filepath.Join(i.root, filepath.Join(parts[:n]...)), parts[:n])) {
			switch p.Match(parts, false) {
			case gitignore.Exclude:
				return &p.at
			case gitignore.Include:
				return nil
			case gitignore.NoMatch:
			}
		}
	}
	return nil
}

// fluxPatterns returns those of a folder. The domain says where it is.
func (i *ignoreFiles) fluxPatterns(dir string, domain []string) []fluxPattern {
	file := filepath.Join(dir, sourceignore.IgnoreFile)
	patterns, ok := i.ofFlux[file]
	if !ok {
		for n, line := range i.lines(file) {
			for _, p := range sourceignore.ReadPatterns(strings.NewReader(line), slices.Clone(domain)) {
				patterns = append(patterns, fluxPattern{p, ignoreLine{file, n + 1}})
			}
		}
		i.ofFlux[file] = patterns
	}
	return patterns
}

// lines returns those of a file, or none.
func (i *ignoreFiles) lines(file string) []string {
	var text []byte
	err := fmt.Errorf("it is a symbolic link that leads out of the repository, %s", i.root)
	if isIn(Resolved(file), i.root) {
		text, err = stream.ReadRegular(file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.failed[file] = err
	}
	return strings.Split(string(text), "\n")
}
