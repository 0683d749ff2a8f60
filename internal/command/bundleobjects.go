package command

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// bundleObjects are what the patches of a config refer to.
type bundleObjects struct {
	// given are ConfigMaps whose content is known.
	given []*yaml.RNode
	// needed are commands that make the others.
	needed []string
}

// bundleOf collects the objects of a config in the namespaces of the controllers: those
// that the function adds, those of the inputs, and those that somebody else must
// provide. A Secret is never repeated.
func bundleOf(config *v1alpha1.FluxTrust, namespaces []string, items, added []*yaml.RNode) bundleObjects {
	b := bundleObjects{given: added}
	if config.Spec.Mount.Method == v1alpha1.None {
		return b
	}
	for i := range config.Spec.CABundle {
		for _, namespace := range namespaces {
			b.add(&config.Spec.CABundle[i], namespace, items)
		}
	}
	return b
}

func (b *bundleObjects) add(e *v1alpha1.CABundleEntry, namespace string, items []*yaml.RNode) {
	need := func(what string) {
		b.needed = append(b.needed, fmt.Sprintf("kubectl -n %s create %s", namespace, what))
	}
	give := func(object *yaml.RNode) {
		if !slices.ContainsFunc(b.given, func(given *yaml.RNode) bool {
			return given.GetName() == object.GetName() && given.GetNamespace() == object.GetNamespace()
		}) {
			b.given = append(b.given, object)
		}
	}
	switch {
	case e.ConfigMap != nil:
		if object := find(items, "ConfigMap", e.ConfigMap.Name, namespace); object != nil {
			give(kept(object))
			return
		}
		need("configmap " + e.ConfigMap.Name + fromFiles(e.ConfigMap.Keys))
	case e.Secret != nil:
		if find(items, "Secret", e.Secret.Name, namespace) == nil {
			need("secret generic " + e.Secret.Name + fromFiles(e.Secret.Keys))
		}
	case e.Inline != nil:
		if object := find(items, "ConfigMap", e.Inline.Name, namespace); object != nil {
			give(object)
		}
	}
}

func fromFiles(keys []string) string {
	if len(keys) == 0 {
		keys = []string{v1alpha1.DefaultSecretKey}
	}
	var out strings.Builder
	for _, key := range keys {
		out.WriteString(" --from-file=" + key)
	}
	return out.String()
}

// find returns the object of a kind and name in a namespace, or without one, or nil.
func find(resources []*yaml.RNode, kind, name, namespace string) *yaml.RNode {
	for _, r := range resources {
		if r == nil {
			continue
		}
		// kyaml's getters panic on metadata that is not a mapping.
		f := krm.Field{Node: r.YNode()}
		if own := f.Peek("metadata", "namespace"); f.Peek("kind") == kind && f.Peek("metadata", "name") == name && (own == namespace || own == "") {
			return r
		}
	}
	return nil
}

// kept returns a copy of a ConfigMap that Flux neither substitutes in nor prunes
// while controllers mount it.
func kept(object *yaml.RNode) *yaml.RNode {
	work := object.Copy()
	annotations := work.GetAnnotations()
	for _, a := range []string{v1alpha1.SubstituteAnnotation, v1alpha1.PruneAnnotation} {
		annotations[a] = "disabled"
	}
	if err := work.SetAnnotations(annotations); err != nil {
		return object
	}
	return work
}

// note says what must exist besides.
func (b bundleObjects) note() string {
	if len(b.needed) == 0 {
		return ""
	}
	return "#\n# This must exist before Flux starts, or the pods hang in ContainerCreating:\n" +
		"#   " + strings.Join(b.needed, "\n#   ") + "\n"
}

// text returns the objects that are known.
func (b bundleObjects) text() (string, error) {
	documents := make([]*stream.Document, len(b.given))
	for i, object := range b.given {
		documents[i] = stream.New(object, nil)
	}
	out, err := stream.Join(documents)
	if err != nil {
		return "", err
	}
	return string(out.Bytes()), nil
}
