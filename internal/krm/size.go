package krm

import (
	"math"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Size is what a tree holds once its aliases are expanded. Both numbers end at
// math.MaxInt32, which stands for "too much", and for an anchor inside itself.
type Size struct {
	// Nodes are the mappings, lists and scalars.
	Nodes int
	// Bytes are those of the scalars, keys included.
	Bytes int
}

// SizeOf counts what the expansion of a tree would cost, before it happens. It
// visits every node once.
func SizeOf(root *yaml.Node) Size { return sizes{}.of(root) }

// sizes holds the size of what aliases refer to.
type sizes map[*yaml.Node]Size

func (known sizes) of(n *yaml.Node) Size {
	if n.Kind == yaml.AliasNode {
		size, ok := known[n.Alias]
		if !ok {
			known[n.Alias] = Size{Nodes: math.MaxInt32, Bytes: math.MaxInt32} // until it is counted
			size = known.of(n.Alias)
			known[n.Alias] = size
		}
		return size
	}
	total := Size{Nodes: 1, Bytes: len(n.Value)}
	for _, child := range n.Content {
		size := known.of(child)
		total.Nodes = min(total.Nodes+size.Nodes, math.MaxInt32)
		total.Bytes = min(total.Bytes+size.Bytes, math.MaxInt32)
	}
	return total
}
