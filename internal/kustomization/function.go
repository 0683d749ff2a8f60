package kustomization

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/transformer"
)

// wanted is what the function makes of a build.
type wanted struct {
	transformer.Outcome
	// before are the objects that it was run over, without marks; patched are the names
	// that patches meet them by, as patchedMark has them.
	before  []*yaml.RNode
	patched []string
	// extra are objects that are in no build.
	extra []*yaml.RNode
}

// function runs the function over a build, and objects of the inputs that hold
// certificates. Marks tell it former names, and are gone in what comes out.
func (f *folder) function(config *v1alpha1.FluxTrust, objects []*yaml.RNode) (wanted, error) {
	w := wanted{extra: f.extra(objects)}
	var resources []transformer.Resource
	for _, o := range objects {
		work := o.Copy()
		configured, patched, err := takeMarks(work)
		if err != nil {
			return w, err
		}
		if configured != "" && configured != work.GetName() {
			if err := work.PipeE(yaml.SetAnnotation(previousNames, configured)); err != nil {
				return w, err
			}
		}
		w.before, w.patched = append(w.before, work), append(w.patched, patched)
		resources = append(resources, transformer.Resource{Node: work})
	}
	for _, o := range w.extra {
		resources = append(resources, transformer.Resource{Node: o})
	}
	w.Outcome = transformer.Run(config, resources, f.Now)
	w.Items = w.Items[:len(objects)]
	return w, nil
}

// extra returns the objects of the inputs with certificates that a build lacks and
// that are not written into the folder: a Secret is never repeated.
func (f *folder) extra(objects []*yaml.RNode) []*yaml.RNode {
	var found []*yaml.RNode
	for _, s := range inventory.Of(objectsOf(f.Inputs), &f.config.Spec.Controllers).Stores.All {
		o := yaml.NewRNode(s.Object.Before.Node)
		isBuilt := func(b *yaml.RNode) bool { return idOf(b) == idOf(o) }
		if o.GetKind() != "ConfigMap" && !slices.ContainsFunc(objects, isBuilt) {
			found = append(found, o)
		}
	}
	return found
}

// world returns what the function has made, to be compared with a build.
func (w wanted) world(c *v1alpha1.FluxTrust, marked []*yaml.RNode) (world, error) {
	out, err := newWorld(append(slices.Clone(w.Items), w.Added...))
	if err != nil {
		return out, err
	}
	names, err := newWorld(marked)
	if err != nil {
		return out, err
	}
	out.meant = names.meant
	for _, workload := range selected(w.before, c) {
		out.loose[idOf(workload)] = true
	}
	return out, nil
}

// selected returns the workloads that a config is about.
func selected(objects []*yaml.RNode, c *v1alpha1.FluxTrust) []*yaml.RNode {
	var found []*yaml.RNode
	for i, w := range inventoryOf(objects, c) {
		if w {
			found = append(found, objects[i])
		}
	}
	return found
}

// inventoryOf returns which objects are workloads that a config selects.
func inventoryOf(nodes []*yaml.RNode, c *v1alpha1.FluxTrust) []bool {
	objects := make([]*krm.Object, len(nodes))
	at := map[*krm.Object]int{}
	for i, n := range nodes {
		objects[i] = krm.NewObject(n.YNode(), nil)
		at[objects[i]] = i
	}
	found := make([]bool, len(nodes))
	for _, w := range inventory.Of(objects, &c.Spec.Controllers).Workloads {
		found[at[w.Object]] = found[at[w.Object]] || w.Concerned
	}
	return found
}

// changes returns the workloads that the function has changed, under the names by
// which patches meet them.
func (w wanted) changes() ([]patches.Change, error) {
	var changes []patches.Change
	for i, before := range w.before {
		after := w.Items[i]
		if after == nil || after == before || !isWorkload(before) {
			continue
		}
		c := patches.Change{}
		for to, o := range map[**yaml.Node]*yaml.RNode{&c.Before: before, &c.After: after} {
			expanded := o.Copy()
			if namespace, name := markedName(w.patched[i]); name != "" {
				if err := expanded.SetName(name); err != nil {
					return nil, err
				}
				if err := setNamespace(expanded, namespace); err != nil {
					return nil, err
				}
			}
			*to = expanded.YNode()
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func setNamespace(o *yaml.RNode, namespace string) error {
	if namespace == "" {
		return o.PipeE(yaml.Lookup("metadata"), yaml.Clear("namespace"))
	}
	return o.SetNamespace(namespace)
}

func isWorkload(o *yaml.RNode) bool {
	group, _, _ := strings.Cut(o.GetApiVersion(), "/")
	return slices.Contains(v1alpha1.WorkloadKinds(), v1alpha1.WorkloadKind(o.GetKind())) && (group == "apps" || group == "extensions")
}

// candidates returns sets of patches that may make the change, the best first: one
// that fits every release of Flux, if it does the same; one that names what it is
// for; and one that names the namespace, too.
func (f *folder) candidates(config *v1alpha1.FluxTrust, w wanted) ([][]patches.Patch, error) {
	changes, err := w.changes()
	if err != nil {
		return nil, err
	}
	exact, err := patches.Of(config.Metadata.Name, changes)
	if err != nil {
		return nil, err
	}
	if len(exact) == 0 {
		return [][]patches.Patch{nil}, nil
	}
	var found [][]patches.Patch
	if stock := f.stock(config, w); len(stock) == 1 && len(exact) == 1 && sameBody(stock[0].Body, exact[0].Body) && stock[0].Target.Kind == exact[0].Target.Kind {
		found = append(found, stock)
	}
	found = append(found, exact)
	narrow, err := f.narrow(config, changes)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return append(found, narrow), nil
}

// narrow returns patches whose targets name a namespace each.
func (f *folder) narrow(config *v1alpha1.FluxTrust, changes []patches.Change) ([]patches.Patch, error) {
	by := map[string][]patches.Change{}
	var order []string
	for _, c := range changes {
		namespace := effective(yaml.NewRNode(c.After).GetNamespace())
		if by[namespace] == nil {
			order = append(order, namespace)
		}
		by[namespace] = append(by[namespace], c)
	}
	var found []patches.Patch
	for _, namespace := range order {
		made, err := patches.Of(config.Metadata.Name, by[namespace])
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
func (f *folder) stock(config *v1alpha1.FluxTrust, w wanted) []patches.Patch {
	var others []transformer.Resource
	for _, o := range slices.Concat(w.before, w.extra) {
		if kind := o.GetKind(); kind == "ConfigMap" || kind == "Secret" || kind == "Bundle" || kind == "ClusterTrustBundle" {
			others = append(others, transformer.Resource{Node: o})
		}
	}
	namespace := f.Namespace
	for _, o := range selected(w.before, config) {
		namespace = o.GetNamespace()
	}
	made, _ := transformer.Patches(config, others, transformer.PatchOptions{FollowsNames: true, Namespace: namespace, Components: fluxNames()}, f.Now)
	return made
}
