package krm

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// IsAliased reports whether a tree has aliases, anchors or merge keys.
func IsAliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == yaml.MergeTag || slices.ContainsFunc(n.Content, IsAliased)
}

// Expand returns a tree without aliases and merge keys: itself where it has none, else
// a copy. It refuses what they would make too large.
func Expand(root *yaml.Node) (*yaml.Node, error) { return ExpandText(root, 0) }

// ExpandText is Expand for the tree of a text of so many bytes, which may be a large one.
func ExpandText(root *yaml.Node, text int) (*yaml.Node, error) {
	if !IsAliased(root) {
		return root, nil
	}
	if err := SizeOf(root).Check(text); err != nil {
		return nil, err
	}
	if key, ok := overridden(root); ok {
		return nil, &FieldError{Code: Aliases, Message: fmt.Sprintf("%s stands in front of a << that sets it, too: for the API server the last one counts, for YAML the first; write << in front, or write the fields out", quote.Key(key))}
	}
	expanded, err := withoutAliases(root)
	if err != nil {
		return nil, &FieldError{Code: Aliases, Message: fmt.Sprintf("merge keys cannot be expanded: %v; write the fields out", err)}
	}
	return expanded, nil
}

// withoutAliases returns a copy of a tree in which what aliases and merge keys stand
// for is written out. kyaml's DeAnchor loses keys that are written beside a << with a
// list.
func withoutAliases(n *yaml.Node) (*yaml.Node, error) {
	n = Resolve(n)
	c := *n
	c.Anchor, c.Content = "", make([]*yaml.Node, 0, len(n.Content))
	var merged []*yaml.Node
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode && i%2 == 0 && isMergeKey(n.Content[i]) {
			i++
			values, err := mergeValues(n.Content[i])
			if err != nil {
				return nil, err
			}
			merged = append(merged, values...)
			continue
		}
		expanded, err := withoutAliases(n.Content[i])
		if err != nil {
			return nil, err
		}
		c.Content = append(c.Content, expanded)
	}
	merge(&c, merged)
	return &c, nil
}

// merge adds the fields of mappings to one, which keeps its own.
func merge(into *yaml.Node, merged []*yaml.Node) {
	if len(merged) == 0 {
		return
	}
	own, at := len(into.Content), make(map[string]int, len(into.Content)/2)
	for i := 0; i+1 < own; i += 2 {
		at[into.Content[i].Value] = i
	}
	for _, m := range merged {
		for i := 0; i+1 < len(m.Content); i += 2 {
			key, value := m.Content[i], m.Content[i+1]
			switch have, ok := at[key.Value]; {
			case !ok:
				at[key.Value] = len(into.Content)
				into.Content = append(into.Content, key, value)
			case have >= own: // of an earlier one
				into.Content[have+1] = value
			}
		}
	}
}

// mergeValues returns the mappings that << stands for, without aliases; the last one
// counts most.
func mergeValues(n *yaml.Node) ([]*yaml.Node, error) {
	n = Resolve(n)
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = slices.Clone(n.Content)
		slices.Reverse(entries)
	}
	for i, entry := range entries {
		expanded, err := withoutAliases(entry)
		if err != nil {
			return nil, err
		}
		if expanded.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("<< wants mappings, got %s", Describe(expanded))
		}
		entries[i] = expanded
	}
	return entries, nil
}

// overridden returns a key that stands in front of a merge key that has it, too.
// kyaml takes the key that is written out, wherever it stands; the API server takes
// what comes last.
func overridden(n *yaml.Node) (string, bool) {
	var before map[string]bool
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && isMergeKey(child) {
			if key, ok := merges(n.Content[i+1], before); ok {
				return key, true
			}
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if before == nil {
				before = make(map[string]bool, len(n.Content)/2)
			}
			before[child.Value] = true
		}
		if key, ok := overridden(child); ok {
			return key, true
		}
	}
	return "", false
}

// merges returns a key that the value of a merge key brings, and that is among some.
func merges(value *yaml.Node, keys map[string]bool) (string, bool) {
	value = Resolve(value)
	for i, child := range value.Content {
		switch {
		case value.Kind == yaml.SequenceNode, i%2 == 1 && isMergeKey(value.Content[i-1]):
			if key, ok := merges(child, keys); ok {
				return key, true
			}
		case i%2 == 0 && keys[child.Value] && !isMergeKey(child):
			return child.Value, true
		}
	}
	return "", false
}

// Copy copies a resource with its aliases. Those of kyaml's Copy point into the
// original, and DeAnchor would change it.
func Copy(resource *yaml.RNode) *yaml.RNode {
	return yaml.NewRNode(copyNode(resource.Document(), map[*yaml.Node]*yaml.Node{}))
}

func copyNode(n *yaml.Node, copies map[*yaml.Node]*yaml.Node) *yaml.Node {
	c := *n
	copies[n] = &c // before what it holds: an anchor may have an alias inside
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = copyNode(child, copies)
	}
	if n.Alias != nil {
		if c.Alias = copies[n.Alias]; c.Alias == nil { // of another resource of the same text
			c.Alias = copyNode(n.Alias, copies)
		}
	}
	return &c
}
