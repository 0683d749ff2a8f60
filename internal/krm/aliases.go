package krm

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// CheckSize refuses a resource whose aliases would make it too large.
func CheckSize(resource *yaml.RNode) error {
	_, err := hasAliases(resource)
	return err
}

// hasAliases reports whether a resource has aliases or anchors, and refuses what
// they would make too large.
func hasAliases(resource *yaml.RNode) (bool, error) {
	root := resource.Document()
	if !isAliased(root) {
		return false, nil
	}
	return true, SizeOf(root).Check(0)
}

func isAliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, isAliased)
}

// Prepare returns a copy of a resource that can be edited: without aliases and
// merge keys, since an edit behind an anchor would change every place that
// refers to it.
func Prepare(resource *yaml.RNode) (*yaml.RNode, error) {
	work, err := expand(resource)
	if work == nil && err == nil {
		work = resource.Copy()
	}
	return work, err
}

// expand returns a copy without aliases, or nil where there are none.
func expand(resource *yaml.RNode) (*yaml.RNode, error) {
	aliased, err := hasAliases(resource)
	if err != nil || !aliased {
		return nil, err
	}
	work := Copy(resource)
	if err := work.DeAnchor(); err != nil {
		return nil, &FieldError{Code: Aliases, Message: fmt.Sprintf("aliases or merge keys cannot be expanded: %s; write the fields out", quote.Reader(err))}
	}
	return work, nil
}

// HasMergeKeys tells whether a tree may have fields that no getter finds before it is
// prepared.
func HasMergeKeys(n *yaml.Node) bool {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && (child.Kind == yaml.AliasNode || child.Value == "<<" || child.ShortTag() == yaml.MergeTag) || HasMergeKeys(child) {
			return true
		}
	}
	return false
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
		c.Alias = copies[n.Alias]
	}
	return &c
}

// ExpandAliases returns resources without aliases. They come back as they are
// when there are none.
func ExpandAliases(resources []*yaml.RNode) ([]*yaml.RNode, error) {
	all := &yaml.Node{Kind: yaml.SequenceNode}
	for _, r := range resources {
		all.Content = append(all.Content, r.YNode())
	}
	if !isAliased(all) {
		return resources, nil
	}
	expanded, err := Prepare(yaml.NewRNode(all))
	if err != nil {
		return nil, err
	}
	return expanded.Elements()
}
