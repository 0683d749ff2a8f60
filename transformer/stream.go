package transformer

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// stream is what came in.
type stream struct {
	documents []document
	// objects are those of all documents.
	objects []*krm.Object
	// skipped counts the resources beside the documents.
	skipped int
}

// document is a resource and the objects in it: itself, or the items of a List.
type document struct {
	resource *yaml.RNode
	objects  []*krm.Object
	// list is the List without aliases, or nil.
	list *yaml.Node
}

func newStream(resources []Resource, skipped int) stream {
	s := stream{skipped: skipped}
	for _, r := range resources {
		d := document{resource: r.Node}
		d.objects, d.list = krm.NewObjects(r.Node.YNode(), r.File)
		s.documents = append(s.documents, d)
		s.objects = append(s.objects, d.objects...)
	}
	return s
}

// before returns the resources as they came in.
func (s stream) before() []*yaml.RNode {
	items := make([]*yaml.RNode, len(s.documents))
	for i, d := range s.documents {
		items[i] = d.resource
	}
	return items
}

// after returns the resources as they are to be.
func (s stream) after() []*yaml.RNode {
	items := make([]*yaml.RNode, len(s.documents))
	for i, d := range s.documents {
		items[i] = d.after()
	}
	return items
}

// after returns the resource itself where nothing has changed, a new one, or nil.
func (d document) after() *yaml.RNode {
	changed := map[*yaml.Node]*yaml.Node{} // nil is gone
	for _, o := range d.objects {
		switch {
		case o.Removed() && d.list == nil:
			return nil
		case o.Removed():
			changed[o.Before.Node] = nil
		case o.Changed():
			changed[o.Before.Node] = o.After().Node
		}
	}
	if len(changed) == 0 {
		return d.resource
	}
	root := d.list
	if root == nil {
		root = d.objects[0].Before.Node
	}
	root = replaced(root, changed)
	if n := d.resource.Document(); n.Kind == yaml.DocumentNode { // which may have comments
		n = &yaml.Node{}
		*n = *d.resource.Document()
		n.Content = []*yaml.Node{root}
		root = n
	}
	return yaml.NewRNode(root)
}

// replaced returns a node with other nodes, or nil, in the places of some. Items of a List
// stand in its mapping items.
func replaced(n *yaml.Node, by map[*yaml.Node]*yaml.Node) *yaml.Node {
	if other, ok := by[krm.Resolve(n)]; ok {
		return other
	}
	c := *n
	c.Content = make([]*yaml.Node, 0, len(n.Content))
	for _, child := range n.Content {
		if child = replaced(child, by); child != nil {
			c.Content = append(c.Content, child)
		}
	}
	return &c
}
