package inventory

import (
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// template begins what flux-operator fills in.
const template = "<<"

// installersOf returns the installers that an object is, or holds: a ResourceSet holds
// the objects that flux-operator makes of it.
func installersOf(o *krm.Object, charts charts) []*Installer {
	if o.Kind() != flux.ResourceSet || !flux.IsInstaller(o.Group(), o.Kind()) {
		if i := installerOf(o, charts); i != nil {
			return []*Installer{i}
		}
		return nil
	}
	var found []*Installer
	for at, item := range o.Before.Loose().Items("spec", "resources") {
		if item.Node.Kind != yaml.MappingNode {
			continue
		}
		i := installerOf(krm.NewObject(yaml.CopyYNode(item.Node), o.File), charts)
		if i == nil {
			continue
		}
		i.Set, i.Resource = o, at
		if i.Namespaces[0] == "" {
			i.Namespaces = o.Namespaces
		}
		for _, key := range [][]string{{"metadata", "namespace"}, {"spec", "targetNamespace"}, i.Kind.Patches[:min(len(i.Kind.Patches), 3)], append(append([]string{}, i.Kind.Spec...), "components"), append(append([]string{}, i.Kind.Spec...), "cluster")} {
			if f := item.Get(key...); f.Exists() && holds(f.Node, template) {
				i.Templated = f.Path
			}
		}
		found = append(found, i)
	}
	if text := o.Before.Loose().Get("spec", "resourcesTemplate"); strings.Contains(text.Peek(), "kind: "+flux.FluxInstance) {
		found = append(found, &Installer{Object: o, Namespaces: o.Namespaces, Templated: text.Path})
	}
	return found
}

// holds reports whether a scalar in a tree contains a text.
func holds(n *yaml.Node, text string) bool {
	return n.Kind == yaml.ScalarNode && strings.Contains(n.Value, text) ||
		slices.ContainsFunc(n.Content, func(child *yaml.Node) bool { return holds(child, text) })
}

// Holder returns the object of the stream that the installer is, or stands in.
func (i *Installer) Holder() *krm.Object {
	if i.Set != nil {
		return i.Set
	}
	return i.Object
}

// PutBack puts what has become of an installer into the ResourceSet that it stands in.
func (i *Installer) PutBack() {
	if i.Set == nil || i.Object.Err() != nil || !i.Object.Changed() {
		return
	}
	items := i.Set.Edit().Items("spec", "resources")
	if i.Resource < len(items) {
		*items[i.Resource].Node = *i.Object.After().Node
	}
}
