package kustomization

import (
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
		work, patched, err := unmarked(o)
		if err != nil {
			return w, err
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

// unmarked returns an object without marks. Its former name stands where kustomize
// has it.
func unmarked(o *yaml.RNode) (work *yaml.RNode, patched string, err error) {
	work = o.Copy()
	configured, patched, err := takeMarks(work)
	if err == nil && configured != "" && configured != work.GetName() {
		err = work.PipeE(yaml.SetAnnotation(previousNames, configured))
	}
	return work, patched, err
}

// extra returns the objects of the inputs with certificates that a build lacks and
// that are not written into the folder: a Secret is never repeated.
func (f *folder) extra(objects []*yaml.RNode) []*yaml.RNode {
	var found []*yaml.RNode
	for _, s := range f.inventory(f.Inputs).Stores.All {
		o := yaml.NewRNode(s.Object.Before.Node)
		isBuilt := func(b *yaml.RNode) bool { return idOf(b) == idOf(o) }
		if o.GetKind() != "ConfigMap" && !slices.ContainsFunc(objects, isBuilt) {
			found = append(found, o)
		}
	}
	return found
}

// world returns what the function has made, to be compared with a build.
func (f *folder) world(w wanted, marked []*yaml.RNode) (world, error) {
	out, err := newWorld(slices.Concat(w.Items, w.Added))
	if err != nil {
		return out, err
	}
	names, err := newWorld(marked)
	if err != nil {
		return out, err
	}
	out.meant = names.meant
	for _, workload := range f.selected(w.before) {
		out.loose[idOf(workload)] = true
	}
	return out, nil
}

// selected returns the workloads among objects that the config is about.
func (f *folder) selected(nodes []*yaml.RNode) []*yaml.RNode {
	var found []*yaml.RNode
	for _, w := range f.inventory(nodes).Workloads {
		if w.Concerned && !w.IsPart() {
			found = append(found, yaml.NewRNode(w.Object.Before.Node))
		}
	}
	return found
}

// inventory reads objects.
func (f *folder) inventory(nodes []*yaml.RNode) *inventory.Inventory {
	objects := make([]*krm.Object, len(nodes))
	for i, n := range nodes {
		objects[i] = krm.NewObject(n.YNode(), nil)
	}
	return inventory.Of(objects, &f.config.Spec.Controllers)
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
