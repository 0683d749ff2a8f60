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
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
)

// sync is a Flux Kustomization that builds the folder, perhaps with others around it.
type sync struct {
	name string
	// path is what it builds, below root; both are paths on the disk.
	path, root string
	spec       syncSpec
}

// syncSpec is what a Flux Kustomization adds to what it builds:
// https://fluxcd.io/flux/components/kustomize/kustomizations/
type syncSpec struct {
	Path                    string        `json:"path"`
	TargetNamespace         string        `json:"targetNamespace"`
	NamePrefix              string        `json:"namePrefix"`
	NameSuffix              string        `json:"nameSuffix"`
	Patches                 []types.Patch `json:"patches"`
	Components              []string      `json:"components"`
	IgnoreMissingComponents bool          `json:"ignoreMissingComponents"`
	Images                  []types.Image `json:"images"`
}

// syncs returns the Flux Kustomizations in a build that build the folder itself, and
// says of those that cannot be found why not.
func (f *folder) syncs(objects []*yaml.RNode) (found []sync, unchecked []string) {
	for _, o := range objects {
		group, _, _ := strings.Cut(o.GetApiVersion(), "/")
		if group != flux.KustomizeGroup || o.GetKind() != types.KustomizationKind {
			continue
		}
		s := sync{name: o.GetName()}
		var object struct {
			Spec syncSpec `json:"spec"`
		}
		if text, err := o.MarshalJSON(); err != nil || sigsyaml.Unmarshal(text, &object) != nil {
			continue // the API server says what is wrong with it
		}
		s.spec = object.Spec
		if s.root = f.rootFor(s.spec.Path); s.root != "" {
			s.path = filepath.Join(s.root, filepath.FromSlash(s.spec.Path))
			if isIn(f.dir, s.path) {
				found = append(found, s)
			}
			continue
		}
		if s.name == f.syncName(o) {
			unchecked = append(unchecked, fmt.Sprintf("Flux builds %s of the repository (Kustomization %s), and that is not in reach from here: name the root of the repository with --root", s.spec.Path, s.name))
		}
	}
	return found, unchecked
}

// syncName returns the name of the source of a Flux Kustomization: that of flux
// bootstrap has the name of its source.
func (f *folder) syncName(o *yaml.RNode) string {
	name, err := o.GetString("spec.sourceRef.name")
	if err != nil {
		return ""
	}
	return name
}

// rootFor returns the root of the repository in which a path is, or "" where there is
// no such path.
func (f *folder) rootFor(path string) string {
	local := filepath.FromSlash(path)
	if f.root != filepath.Dir(f.root) { // the root is known
		if isFolder(filepath.Join(f.root, local)) {
			return f.root
		}
		return ""
	}
	for dir := f.dir; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if at := filepath.Join(dir, local); at != dir && isFolder(at) && isIn(f.dir, at) {
			return dir
		}
	}
	return ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path) //nolint:gosec // to see whether it is there
	return err == nil && info.IsDir()
}

// isIn reports whether a path is a folder or lies in it; neither has symbolic links.
func isIn(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// added is what a Flux Kustomization adds to the kustomization that it builds:
// github.com/fluxcd/pkg/kustomize, GenerateManifest.
func (s sync) added(l *layer) {
	if l.dir != s.path {
		return
	}
	if s.spec.TargetNamespace != "" {
		l.Namespace = s.spec.TargetNamespace
	}
	if s.spec.NamePrefix != "" {
		l.NamePrefix = s.spec.NamePrefix
	}
	if s.spec.NameSuffix != "" {
		l.NameSuffix = s.spec.NameSuffix
	}
	l.Patches = append(l.Patches, s.spec.Patches...)
	for _, c := range s.spec.Components {
		if !s.spec.IgnoreMissingComponents || isFolder(filepath.Join(s.path, c)) {
			l.Components = append(l.Components, c)
		}
	}
	for _, image := range s.spec.Images {
		l.Images = append(slices.DeleteFunc(l.Images, func(i types.Image) bool { return i.Name == image.Name }), image)
	}
}

// generated returns the kustomization that Flux makes of a folder without one: all
// manifests below it, but that a folder with a kustomization stands for itself.
func (s sync) generated(files map[string][]byte) (file string, text []byte, err error) {
	if hasKustomization(s.path, files) {
		return "", nil, nil
	}
	patterns, err := s.ignorePatterns()
	if err != nil {
		return "", nil, err
	}
	ignored := sourceignore.NewDefaultMatcher(patterns, split(s.root))
	k := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	err = filepath.WalkDir(s.path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == s.path:
			return nil
		case ignored.Match(split(path), entry.IsDir()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(s.path, path)
		if err != nil {
			return err
		}
		switch ext := filepath.Ext(path); {
		case entry.IsDir() && hasKustomization(path, files):
			k.Resources = append(k.Resources, rel)
			return fs.SkipDir
		case !entry.IsDir() && (ext == ".yaml" || ext == ".yml"):
			k.Resources = append(k.Resources, rel)
		}
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	text, err = sigsyaml.Marshal(k)
	return filepath.Join(s.path, konfig.DefaultKustomizationFileName()), text, err
}

// ignorePatterns returns those of the .sourceignore files that are for what is built: on the way
// from the root to it, and below.
func (s sync) ignorePatterns() (patterns []gitignore.Pattern, err error) {
	i := newIgnoreFiles(s.root)
	add := func(dir string) {
		for _, p := range i.fluxPatterns(dir, split(dir)) {
			patterns = append(patterns, p.Pattern)
		}
	}
	var above []string
	for dir := s.path; dir != s.root && dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		above = append(above, dir)
	}
	for _, dir := range slices.Backward(above) {
		add(dir)
	}
	err = filepath.WalkDir(s.path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir():
			add(path)
		}
		return nil
	})
	for _, file := range slices.Sorted(maps.Keys(i.failed)) {
		err = errors.Join(err, fmt.Errorf("%s: %w", file, i.failed[file]))
	}
	return patterns, err
}

// split returns the parts of a path.
func split(path string) []string { return strings.Split(path, string(filepath.Separator)) }

// hasKustomization reports whether a folder has a kustomization, on the disk or in
// memory.
func hasKustomization(dir string, files map[string][]byte) bool {
	return slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), func(name string) bool {
		file := filepath.Join(dir, name)
		if _, ok := files[file]; ok {
			return true
		}
		info, err := os.Stat(file)
		return err == nil && !info.IsDir()
	})
}

// uncheckedError says that something could not be looked at.
type uncheckedError struct{ error }

// buildSync builds what a Flux Kustomization builds.
func (f *folder) buildSync(y sync, s state, changes ...change) (*built, error) {
	from, err := f.source(s, append([]change{y.added}, changes...)...)
	if err != nil {
		return nil, err
	}
	file, text, err := y.generated(from.edits)
	if err != nil {
		return nil, err
	}
	if file != "" {
		from.edits[file] = text
	}
	return from.build(y.path)
}

// checkSync compares what a Flux Kustomization builds, as for the folder alone.
// Controllers that stand outside of the folder do not count.
func (f *folder) checkSync(y sync, before, after state, changes ...change) error {
	was, err := f.buildSync(y, before, append(changes, f.without)...)
	if err != nil {
		return &uncheckedError{err}
	}
	problem := f.compareSync(y, was, after, changes...)
	if differ := (*DifferentError)(nil); errors.As(problem, &differ) {
		for i := range y.spec.Patches {
			less := y
			less.spec.Patches = without(y.spec.Patches, i)
			was, err := f.buildSync(less, before, append(changes, f.without)...)
			if err == nil && f.compareSync(less, was, after, changes...) == nil {
				return &UndoneError{
					DifferentError: differ, File: "Kustomization " + y.name, Field: fmt.Sprintf("spec.patches[%d]", i),
					Cure: "Flux applies it behind the patches of the folder; move it into the kustomization of the folder",
				}
			}
		}
	}
	return blame(problem, was.layers, f.dir, func(c change) error {
		all := append(slices.Clone(changes), c)
		was, err := f.buildSync(y, before, append(all, f.without)...)
		if err != nil {
			return err
		}
		return f.compareSync(y, was, after, all...)
	})
}

func (f *folder) compareSync(y sync, was *built, after state, changes ...change) error {
	var ours, others []*yaml.RNode
	found := false
	for _, o := range was.objects {
		own := o.GetAnnotations()[patchedMark] != ""
		found = found || own
		if isPatched(o) && !own {
			others = append(others, o)
		} else {
			ours = append(ours, o)
		}
	}
	want, err := f.function(f.config, ours)
	if err != nil {
		return err
	}
	where := fmt.Sprintf("Flux builds %s (Kustomization %s)", y.spec.Path, y.name)
	switch {
	case !found:
		return &uncheckedError{errors.New("it does not build this folder")}
	case want.Failed():
		return &OutcomeError{where, want.Outcome}
	}
	goal, err := f.world(want, was.objects)
	if err != nil {
		return err
	}
	for _, o := range others {
		goal.objects[idOf(o)] = o
	}
	is, err := f.buildSync(y, after, changes...)
	if err != nil {
		return err
	}
	return goal.compare(where, is.objects)
}
