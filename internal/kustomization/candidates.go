package kustomization

import (
	"maps"
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/transformer"
)

// candidates returns sets of patches that may make the change, the best first: one
// that fits every release of Flux, if it does the same; one that names what it is
// for; and one that names the namespace, too. A build shows which of them do.
func (f *folder) candidates(w wanted) ([][]patches.Patch, error) {
	changes, err := w.changes()
	if err != nil {
		return nil, err
	}
	exact, err := patches.Of(f.config.Metadata.Name, changes)
	if err != nil {
		return nil, err
	}
	if len(exact) == 0 {
		return [][]patches.Patch{nil}, nil
	}
	found := [][]patches.Patch{exact}
	if stock := f.stock(w); len(stock) == 1 && len(exact) == 1 && sameBody(stock[0].Body, exact[0].Body) && stock[0].Target.Kind == exact[0].Target.Kind {
		found = slices.Insert(found, 0, stock)
	}
	narrow, err := f.narrow(changes)
	return append(found, narrow), err
}

// narrow returns patches whose targets name a namespace each.
func (f *folder) narrow(changes []patches.Change) ([]patches.Patch, error) {
	by := map[string][]patches.Change{}
	for _, c := range changes {
		namespace := effective(yaml.NewRNode(c.After).GetNamespace())
		by[namespace] = append(by[namespace], c)
	}
	var found []patches.Patch
	for _, namespace := range slices.Sorted(maps.Keys(by)) {
		made, err := patches.Of(f.config.Metadata.Name, by[namespace])
		if err != nil {
			return nil, err
		}
		for _, p := range made {
			p.Target.Namespace = namespace
			found = append(found, p)
		}
	}
	return found, nil
}

// stock returns the patches for a stock install of Flux that the config makes with
// the bundle of a build, or nil.
func (f *folder) stock(w wanted) []patches.Patch {
	var bundles []transformer.Resource
	for _, o := range slices.Concat(w.before, w.extra) {
		if slices.Contains([]string{"ConfigMap", "Secret", "Bundle", "ClusterBundle", "ClusterTrustBundle"}, o.GetKind()) {
			bundles = append(bundles, transformer.Resource{Node: o})
		}
	}
	namespace := f.Namespace
	for _, o := range f.selected(w.before) {
		namespace = o.GetNamespace()
	}
	options := transformer.PatchOptions{FollowsNames: true, Namespace: namespace, Components: flux.Names()}
	made, _ := transformer.Patches(f.config, bundles, options, f.Now)
	return made
}

// sameBody compares what patches mean: the order of keys is that of a manifest.
func sameBody(a, b string) bool {
	var x, y any
	return yaml.Unmarshal([]byte(a), &x) == nil && yaml.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
