package krm

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// maxNodes bounds how large a resource may become when its aliases are
// expanded. The largest real Deployment has some thousand nodes.
const maxNodes = 1_000_000

// CheckSize refuses a resource whose aliases would make it too large.
func CheckSize(resource *yaml.RNode) error {
	_, err := hasAliases(resource)
	return err
}

// hasAliases tells whether a resource has aliases or anchors, and refuses what
// they would make too large.
func hasAliases(resource *yaml.RNode) (bool, error) {
	size, aliased := measure(resource.Document(), map[*yaml.Node]int{})
	if aliased && size > maxNodes {
		return true, &FieldError{Code: Aliases, Message: fmt.Sprintf("has more than %d nodes once its aliases are expanded; write it without so many aliases", maxNodes)}
	}
	return aliased, nil
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
	if _, aliased := measure(all, map[*yaml.Node]int{}); !aliased {
		return resources, nil
	}
	expanded, err := Prepare(yaml.NewRNode(all))
	if err != nil {
		return nil, err
	}
	return expanded.Elements()
}

// measure returns how many nodes a tree has once its aliases are expanded (no
// more than needed to exceed maxNodes), and whether it has any.
func measure(n *yaml.Node, known map[*yaml.Node]int) (int, bool) {
	if n.Kind == yaml.AliasNode {
		if size, ok := known[n.Alias]; ok {
			return size, true
		}
		known[n.Alias] = maxNodes + 1 // until measured: an anchor inside itself
		size, _ := measure(n.Alias, known)
		known[n.Alias] = size
		return size, true
	}
	total, aliased := 1, n.Anchor != ""
	for _, child := range n.Content {
		size, a := measure(child, known)
		total = min(total+size, maxNodes+1)
		aliased = aliased || a
	}
	return total, aliased
}
