package installer

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
)

// Environment returns the variables of some names that patches of others, and values of
// the chart flux2, give to controllers, as a container that has them, and where the
// patches stand. Which controller gets which is not looked at.
func Environment(i *inventory.Installer, names []string) (container krm.Field, path string) {
	env := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
	add := func(n *yaml.Node) {
		f := krm.Field{Node: n}
		if name := f.Peek("name"); slices.Contains(names, name) && (f.Get("value").Exists() || f.Get("valueFrom").Exists()) &&
			!slices.ContainsFunc(env.Content, func(have *yaml.Node) bool { return krm.Field{Node: have}.Peek("name") == name }) {
			env.Content = append(env.Content, n)
		}
	}
	root := i.Object.Before.Loose()
	for _, list := range listsIn(root, i.Kind.Patches) {
		for _, item := range list.Items("patches") {
			body := item.Peek("patch")
			if patches.Owner(body) != "" || !patchesControllers(item) {
				continue
			}
			path = list.Path + ".patches"
			if n, err := yaml.Parse(body); err == nil && !yaml.IsMissingOrNull(n) {
				eachMapping(n.YNode(), add)
			}
		}
	}
	if values := root.Get("spec", "values"); i.Kind.Chart == "flux2" && values.Exists() {
		eachMapping(values.Node, add)
		if path == "" {
			path = values.Path
		}
	}
	return krm.Field{Node: &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, Content: []*yaml.Node{krm.TextNode("env"), env}}}, path
}

func eachMapping(n *yaml.Node, visit func(*yaml.Node)) {
	if n.Kind == yaml.MappingNode {
		visit(n)
	}
	for _, child := range n.Content {
		eachMapping(child, visit)
	}
}
