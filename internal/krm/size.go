package krm

import (
	"fmt"
	"math"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Size is what a tree holds once its aliases are expanded. The numbers end at
// math.MaxInt32, which stands for "too much", and for an anchor inside itself.
type Size struct {
	// Nodes are the mappings, lists and scalars.
	Nodes int
	// Bytes are those of the scalars, keys included.
	Bytes int
	// Levels is the sum of how deep each node stands, of which each takes some columns
	// when the tree is written.
	Levels int
}

// What the tree of a small text may have. To read, change and write it takes up to 2 KiB
// for a node, some copies of each byte, and the indentation for each level.
const (
	maxNodes  = 100_000
	maxBytes  = 8 << 20
	maxLevels = 1_000_000
)

// Check refuses what would cost more than a text of so many bytes is worth: one that
// refers to its own parts, or that is made to be large. Real manifests have a value in
// eight bytes or more.
func (s Size) Check(text int) error {
	nodes, bytes, levels := max(maxNodes, text/7), max(maxBytes, 2*text), max(maxLevels, 2*text)
	switch {
	case s.Nodes > nodes:
		return tooLarge("has more than %d values once its aliases are expanded; write it without so many", nodes)
	case s.Bytes > bytes:
		return tooLarge("has more than %d KiB once its aliases are expanded; write it without so many aliases", bytes>>10)
	case s.Levels > levels:
		return tooLarge("is nested so deep that its values stand on more than %d levels in all; write it flatter", levels)
	default:
		return nil
	}
}

func tooLarge(format string, limit int) error {
	return &FieldError{Code: Aliases, Message: fmt.Sprintf(format, limit)}
}

// Plus adds sizes.
func (s Size) Plus(other Size) Size {
	return Size{Nodes: limited(s.Nodes + other.Nodes), Bytes: limited(s.Bytes + other.Bytes), Levels: limited(s.Levels + other.Levels)}
}

func limited(n int) int { return min(n, math.MaxInt32) }

// SizeOf counts what the expansion of a tree would cost, before it happens. It
// visits every node once.
func SizeOf(root *yaml.Node) Size { return sizes{}.of(root) }

// sizes holds the size of what aliases refer to.
type sizes map[*yaml.Node]Size

func (known sizes) of(n *yaml.Node) Size {
	if n.Kind == yaml.AliasNode {
		size, ok := known[n.Alias]
		if !ok {
			known[n.Alias] = Size{Nodes: math.MaxInt32, Bytes: math.MaxInt32, Levels: math.MaxInt32} // until it is counted
			size = known.of(n.Alias)
			known[n.Alias] = size
		}
		return size
	}
	total := Size{Nodes: 1, Bytes: len(n.Value)}
	for _, child := range n.Content {
		size := known.of(child)
		size.Levels = limited(size.Levels + size.Nodes)
		total = total.Plus(size)
	}
	return total
}
