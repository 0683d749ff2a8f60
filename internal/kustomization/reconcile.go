package kustomization

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/transformer"
)

// Result is what a folder is to be.
type Result struct {
	// Files are to be written in their order.
	Files []File
	// Patches counts those in the kustomization.
	Patches int
	// Outcome is that of the function over the build. Where it has failed, no file is
	// to be written.
	Outcome transformer.Outcome
}

// Reconcile says what a folder has to be so that its build is what the function makes
// of it: the folder is built without the work of the config, the function is run over
// that, the patches that do the same are put in, in memory, and what is built then is
// compared. An error says what stands against it.
func Reconcile(config *v1alpha1.FluxTrust, o Options) (Result, error) {
	work := *config
	work.Spec.Sources = nil // those are no part of the patches
	f, err := open(&work, o)
	if err != nil {
		return Result{}, err
	}
	r, err := f.reconcile()
	return r, f.shown(err)
}

// Remove says what a folder is without the work of a config.
func Remove(config *v1alpha1.FluxTrust, o Options) (Result, error) {
	f, err := open(config, o)
	if err != nil || f.now == nil {
		return Result{}, err
	}
	n, err := f.withBundle(needs{}, nil)
	if err != nil {
		return Result{}, f.shown(err)
	}
	r, err := f.result(f.clean, n, nil, transformer.Outcome{})
	return r, f.shown(err)
}

func (f *folder) reconcile() (Result, error) {
	none := Result{}
	plain, edits, err := f.build0()
	if err != nil {
		return none, err
	}
	needs, err := f.objects(plain)
	if err != nil {
		return none, err
	}
	start, err := f.copy()
	if err != nil {
		return none, err
	}
	owner := f.config.Metadata.Name
	if err := start.set(owner, nil, needs.generators, needs.listed); err != nil {
		return none, err
	}
	edits = with(edits, needs.files)
	before, err := f.build(start, edits)
	if err != nil {
		return none, err
	}
	want, err := f.function(f.config, before.objects)
	if err != nil || want.Failed() {
		return Result{Outcome: want.Outcome}, err
	}
	goal, err := want.world(f.config, before.objects)
	if err != nil {
		return none, err
	}
	candidates, err := f.candidates(f.config, want)
	if err != nil {
		return none, err
	}
	var differ []unlike
	for _, made := range candidates {
		after, err := f.copy()
		if err != nil {
			return none, err
		}
		if err := after.set(owner, made, needs.generators, needs.listed); err != nil {
			return none, err
		}
		if err := after.checkKept(f.clean, owner); err != nil {
			return none, err
		}
		result, err := f.build(after, edits)
		if err != nil {
			return none, err
		}
		got, err := newWorld(result.objects)
		if err != nil {
			return none, err
		}
		if differ, err = goal.differences(got); err != nil {
			return none, err
		}
		if len(differ) == 0 {
			return f.result(after, needs, made, want.Outcome)
		}
	}
	return none, f.blame(differ)
}

// with returns edits and more.
func with(edits, more map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	for _, m := range []map[string][]byte{edits, more} {
		for file, text := range m {
			all[file] = text
		}
	}
	return all
}

// copy returns the text of the kustomization without the work of the config.
func (f *folder) copy() (*text, error) { return newText(f.file, f.clean.bytes()) }

// sources returns what a build of the folder reads.
func (f *folder) sources(t *text, edits map[string][]byte) (source, error) {
	s, err := newSource(f.root)
	if err != nil {
		return s, err
	}
	s.edits = with(edits, map[string][]byte{f.file: t.bytes()})
	for _, e := range f.config.Spec.CABundle {
		if e.Secret != nil {
			s.secrets = append(s.secrets, e.Secret.Name)
		}
	}
	return s, nil
}

// build builds the folder with marks, and without the patches of the config in layers
// below: what they do is done here, too.
func (f *folder) build(t *text, edits map[string][]byte) (*built, error) {
	s, err := f.sources(t, edits)
	if err != nil {
		return nil, err
	}
	bare := s
	bare.change = func(l *layer) {
		f.dropBelow(l)
		if l.dir == f.dir {
			dropBehindPatches(&l.Kustomization)
		}
	}
	patched, err := bare.build(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range f.config.Spec.CABundle {
		names = append(names, nameOf(&e))
	}
	marks, err := configuredMarks(names)
	if err != nil {
		return nil, err
	}
	more, err := patchedMarks(patched.objects)
	if err != nil {
		return nil, err
	}
	marks = append(marks, more...)
	s.change = func(l *layer) {
		f.dropBelow(l)
		if l.dir == f.dir {
			l.Patches = append(slices.Clone(marks), l.Patches...)
		}
	}
	return s.build(f.dir)
}

// dropBelow takes the patches of the config out of a layer below the folder.
func (f *folder) dropBelow(l *layer) {
	if l.dir != f.dir {
		l.Patches = slices.DeleteFunc(l.Patches, func(p types.Patch) bool { return patches.Owner(p.Patch) == f.config.Metadata.Name })
	}
}

// dropBehindPatches leaves in a kustomization what kustomize does up to its patches.
func dropBehindPatches(k *types.Kustomization) {
	*k = types.Kustomization{
		TypeMeta: k.TypeMeta, MetaData: k.MetaData, OpenAPI: k.OpenAPI, Resources: k.Resources, Components: k.Components, Crds: k.Crds,
		Generators: k.Generators, ConfigMapGenerator: k.ConfigMapGenerator, SecretGenerator: k.SecretGenerator,
		GeneratorOptions: k.GeneratorOptions, Configurations: k.Configurations,
		Patches: k.Patches, PatchesStrategicMerge: k.PatchesStrategicMerge, //nolint:staticcheck // as people have them
	}
}

// nameOf returns the name of the object that an entry of the bundle refers to.
func nameOf(e *v1alpha1.CABundleEntry) string {
	switch {
	case e.ConfigMap != nil:
		return e.ConfigMap.Name
	case e.Secret != nil:
		return e.Secret.Name
	case e.Inline != nil:
		return e.Inline.Name
	default:
		return e.ClusterTrustBundle.Name
	}
}

// fluxNames are the controllers that a stock install may have.
func fluxNames() []string { return flux.Names() }

// sameBody compares what patches mean: the order of keys is that of a manifest.
func sameBody(a, b string) bool {
	var x, y any
	return yaml.Unmarshal([]byte(a), &x) == nil && yaml.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// build0 builds the folder without the work of the config. Files that flux bootstrap
// is going to fill hold a stock Flux then.
func (f *folder) build0() (*built, map[string][]byte, error) {
	files, err := f.bootstrapFiles()
	if err != nil {
		return nil, nil, err
	}
	edits := map[string][]byte{}
	for _, file := range files {
		edits[file] = []byte{}
		if filepath.Base(file) == componentsFile {
			if edits[file], err = f.standIn(); err != nil {
				return nil, nil, err
			}
		}
	}
	s, err := f.sources(f.clean, edits)
	if err != nil {
		return nil, nil, err
	}
	s.change = f.dropBelow
	b, err := s.build(f.dir)
	if err != nil && len(files) > 0 {
		// Patches of the folder may be for what flux bootstrap is going to write.
		for file := range edits {
			edits[file] = []byte{}
		}
		if b, err := s.build(f.dir); err == nil {
			return b, edits, nil
		}
	}
	return b, edits, err
}

// result says what is to be written.
func (f *folder) result(t *text, n needs, made []patches.Patch, outcome transformer.Outcome) (Result, error) {
	r := Result{Patches: len(made), Outcome: outcome}
	for _, file := range f.created {
		r.Files = append(r.Files, File{Path: f.path(file), After: []byte{}})
	}
	if n.bundleText != nil {
		r.Files = append(r.Files, File{Path: f.path(filepath.Join(f.dir, bundleFile)), Before: f.bundleNow, After: n.bundleText})
	}
	r.Files = append(r.Files, File{Path: f.path(f.file), Before: f.now, After: t.bytes()})
	if n.bundleText == nil && f.bundleNow != nil {
		r.Files = append(r.Files, File{Path: f.path(filepath.Join(f.dir, bundleFile)), Before: f.bundleNow})
	}
	return r, nil
}

// path returns a path as the user has it.
func (f *folder) path(file string) string {
	if rel, err := filepath.Rel(f.dir, file); err == nil {
		return filepath.Join(f.Dir, rel)
	}
	return file
}

// blame says what stands against the patches.
func (f *folder) blame(differ []unlike) error {
	var lines []string
	for _, d := range differ {
		lines = append(lines, d.String())
	}
	return errors.New(fmt.Sprintf("%s: ", f.file) + strings.Join(lines, "; "))
}
