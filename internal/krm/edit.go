package krm

import (
	"errors"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// The edits cover the cases in which the setters of kyaml do nothing or keep an old
// style: explicit nulls, quoted booleans, lists written as [].

// errReadOnly says that the function itself has a fault.
var errReadOnly = errors.New("the function wanted to write where it only reads; please report this")

// editable reports whether a field can be edited. After an error of its object
// nothing is.
func (f Field) editable() bool {
	switch {
	case f.object == nil:
		return f.Node != nil
	case f.failed():
		return false
	case f.Node == nil || !f.after:
		f.object.Fail(errReadOnly)
		return false
	default:
		return true
	}
}

func (f Field) failed() bool { return f.object != nil && f.object.err != nil }

// Ensure returns the mapping below some keys and creates what is missing.
func (f Field) Ensure(keys ...string) Field {
	for _, key := range keys {
		f = f.create(key, &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap})
	}
	return f
}

// EnsureList returns the list at a key and creates it when it is missing.
func (f Field) EnsureList(key string) Field {
	return f.create(key, &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq})
}

func (f Field) create(key string, empty *yaml.Node) Field {
	child := f.Get(key)
	if !f.editable() {
		return child
	}
	if !child.Exists() {
		child.Node = empty
		f.Put(key, empty)
	}
	if len(child.Node.Content) == 0 { // a comment behind [] goes behind the key
		name := f.Node.Content[IndexOf(f.Node, key)]
		name.LineComment, child.Node.LineComment = name.LineComment+child.Node.LineComment, ""
	}
	return child
}

// Put sets a key of a mapping to a node. Comments on an old value stay.
func (f Field) Put(key string, value *yaml.Node) {
	if !f.editable() {
		return
	}
	f.Node.Style &^= flowIfEmpty(f.Node)
	i := IndexOf(f.Node, key)
	if i < 0 {
		f.Node.Content = append(f.Node.Content, TextNode(key), value)
		return
	}
	old := f.Node.Content[i+1]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	f.Node.Content[i+1] = value
}

// PutText sets a key of a mapping to a string. The quotes of an old one stay, and
// one that is the same is left alone.
func (f Field) PutText(key, value string) {
	n := TextNode(value)
	if old := f.Loose().Get(key); old.Exists() {
		if Equal(old.Node, n) {
			return
		}
		n.Style = old.Node.Style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle)
	}
	f.Put(key, n)
}

// PutBool sets a key of a mapping to true or false.
func (f Field) PutBool(key string, value bool) { f.Put(key, BoolNode(value)) }

// SetText makes a scalar another text.
func (f Field) SetText(value string) {
	if f.editable() {
		f.Node.Value = value
	}
}

// Add appends an entry to a list.
func (f Field) Add(entry *yaml.Node) {
	if f.editable() {
		f.Node.Style &^= flowIfEmpty(f.Node)
		f.Node.Content = append(f.Node.Content, entry)
	}
}

// Remove takes a key out of a mapping and reports whether it was there.
func (f Field) Remove(key string) bool {
	if f.Node == nil {
		return false
	}
	i := IndexOf(f.Node, key)
	if i < 0 || !f.editable() {
		return false
	}
	f.Node.Content = slices.Delete(f.Node.Content, i, i+2)
	return true
}

// RemoveEntry takes an entry out of a list.
func (f Field) RemoveEntry(entry Field) {
	if f.editable() {
		f.Node.Content = slices.DeleteFunc(f.Node.Content, func(n *yaml.Node) bool { return Resolve(n) == entry.Node })
	}
}

// RemoveEmpty removes a list or mapping that the function has just emptied.
func (f Field) RemoveEmpty(key string, emptied bool) {
	if child := f.Loose().Get(key); emptied && child.Exists() && len(child.Node.Content) == 0 && child.Node.Kind != yaml.ScalarNode {
		f.Remove(key)
	}
}

// Reconcile makes the function's own entries of the list at a key those that are
// wanted: in the places of the old ones, else behind them, else at the end. The
// wanted ones are nodes, or values that encode as such.
func (f Field) Reconcile(key string, own func(entry Field) bool, want []any) {
	nodes := make([]*yaml.Node, len(want))
	for i, w := range want {
		n, err := Node(w)
		if err != nil {
			f.fail(err)
			return
		}
		nodes[i] = n
	}
	list := f.Get(key)
	var old []*yaml.Node
	for _, item := range list.Items() {
		if own(item) {
			old = append(old, item.Node)
		}
	}
	if f.failed() {
		return
	}
	for i, n := range nodes {
		switch {
		case i < len(old):
			if !isAsWanted(old[i], n) {
				keepComments(old[i], n)
				list.Node.Content[slices.Index(list.Node.Content, old[i])] = n
				old[i] = n
			}
		case len(old) > 0:
			list.Node.Content = slices.Insert(list.Node.Content, slices.Index(list.Node.Content, old[len(old)-1])+1, n)
			old = append(old, n)
		default:
			list = f.EnsureList(key)
			list.Add(n)
			old = append(old, n)
		}
	}
	for _, n := range old[min(len(nodes), len(old)):] {
		list.RemoveEntry(Field{Node: n})
		f.RemoveEmpty(key, true)
	}
}

// IsNamed reports whether an entry of a list has one of the names.
func IsNamed(names ...string) func(entry Field) bool {
	return func(entry Field) bool { return slices.Contains(names, entry.Text("name")) }
}

// flowIfEmpty returns the flow style for a node written as [] or {}: what is
// put into it reads better as a block.
func flowIfEmpty(n *yaml.Node) yaml.Style {
	if len(n.Content) == 0 {
		return yaml.FlowStyle
	}
	return 0
}
