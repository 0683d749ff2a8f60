package kustomization

import (
	"maps"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/types"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/patches"
)

// state is the folder as it may be: its kustomization, and other files in place of
// those on the disk.
type state struct {
	kustomization *text
	files         map[string][]byte
}

// and returns a state with other files, too.
func (s state) and(files map[string][]byte) state {
	all := maps.Clone(s.files)
	if all == nil {
		all = map[string][]byte{}
	}
	maps.Copy(all, files)
	return state{s.kustomization, all}
}

// change is what kustomize is to read in a layer instead of its file.
type change func(*layer)

// source returns what a build of a state reads.
func (f *folder) source(s state, changes ...change) (source, error) {
	from, err := newSource(f.root)
	if err != nil {
		return from, err
	}
	base := state{files: f.pending}.and(f.standIns)
	if f.others != nil {
		base = base.and(map[string][]byte{filepath.Join(f.dir, bundleFile): f.others})
	}
	from.edits = base.and(s.files).and(map[string][]byte{f.file: s.kustomization.bytes()}).files
	for _, e := range f.config.Spec.CABundle {
		if e.Secret != nil {
			from.secrets = append(from.secrets, e.Secret.Name)
		}
	}
	if name := f.config.Spec.Proxy.SecretName(); name != "" {
		from.secrets = append(from.secrets, name)
	}
	f.fetch(&from)
	from.change = func(l *layer) {
		for _, c := range changes {
			c(l)
		}
	}
	return from, nil
}

// build builds the folder in a state.
func (f *folder) build(s state, changes ...change) (*built, error) {
	from, err := f.source(s, changes...)
	if err != nil {
		return nil, err
	}
	return from.build(f.dir)
}

// without takes the patches of the config out of every layer: what it does is done
// anew.
func (f *folder) without(l *layer) {
	l.Patches = slices.DeleteFunc(l.Patches, func(p types.Patch) bool { return patches.Owner(p.Patch) == f.config.Metadata.Name })
}

// bare leaves in the kustomization of the folder what kustomize does up to its
// patches.
func (f *folder) bare(l *layer) {
	if l.dir != f.dir {
		return
	}
	k := l.Kustomization
	l.Kustomization = types.Kustomization{
		TypeMeta: k.TypeMeta, MetaData: k.MetaData, OpenAPI: k.OpenAPI, Resources: k.Resources, Components: k.Components, Crds: k.Crds,
		Generators: k.Generators, ConfigMapGenerator: k.ConfigMapGenerator, SecretGenerator: k.SecretGenerator,
		GeneratorOptions: k.GeneratorOptions, Configurations: k.Configurations,
		Patches: k.Patches, PatchesStrategicMerge: k.PatchesStrategicMerge, //nolint:staticcheck // as people have them
	}
}

// configured returns the change that marks the objects that the config names.
func (f *folder) configured() (change, error) {
	var names []string
	for _, e := range f.config.Spec.CABundle {
		names = append(names, nameOf(&e))
	}
	if name := f.config.Spec.Proxy.SecretName(); name != "" {
		names = append(names, name)
	}
	marks, err := configuredMarks(names)
	return f.inFront(marks), err
}

// patched returns the change that marks the objects that patches of the folder meet.
func (f *folder) patched(s state) (change, error) {
	bare, err := f.build(s, f.without, f.bare)
	if err != nil {
		return nil, err
	}
	marks, err := patchedMarks(bare.objects)
	return f.inFront(marks), err
}

// inFront returns the change that puts patches in front of those of the folder.
func (f *folder) inFront(marks []types.Patch) change {
	return func(l *layer) {
		if l.dir == f.dir {
			l.Patches = append(slices.Clone(marks), l.Patches...)
		}
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
