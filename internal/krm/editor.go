package krm

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Editor changes fields and remembers whether it did. Its methods cover the
// cases in which the setters of kyaml do nothing or keep an old style: explicit
// nulls, quoted booleans, lists written as [].
type Editor struct {
	Changed bool
	// Differs is told of every change where nothing is to be changed, or nil.
	Differs func(c Change, message string)
}

// Note tells of a change.
func (e *Editor) Note(path string, current, proposed *yaml.Node, message string) {
	e.Changed = true
	if e.Differs == nil {
		return
	}
	c := Change{Path: path}
	if current != nil && current.Kind == yaml.ScalarNode {
		c.Current = shown(current.Value)
		message = "is " + Quote(current) + "; " + message
	}
	if proposed != nil && proposed.Kind == yaml.ScalarNode {
		c.Proposed = shown(proposed.Value)
		message += " " + Quote(proposed)
	}
	e.Differs(c, message)
}

// Ensure returns the mapping below some keys and creates what is missing.
func (e *Editor) EnsureE(f Field, keys ...string) (Field, error) {
	return e.create(f, yaml.MappingNode, keys)
}

// EnsureList returns the list at a key and creates it when it is missing.
func (e *Editor) EnsureListE(f Field, key string) (Field, error) {
	return e.create(f, yaml.SequenceNode, []string{key})
}

func (e *Editor) create(f Field, kind yaml.Kind, keys []string) (Field, error) {
	for i, key := range keys {
		child, err := f.GetE(key)
		if err != nil {
			return f, err
		}
		if !child.Exists() {
			child.Node = &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
			if i == len(keys)-1 && kind == yaml.SequenceNode {
				child.Node.Kind, child.Node.Tag = kind, yaml.NodeTagSeq
			}
			e.Insert(f, key, child.Node)
		}
		if len(child.Node.Content) == 0 { // a comment behind [] goes behind the key
			name := f.Node.Content[IndexOf(f.Node, key)]
			name.LineComment, child.Node.LineComment = name.LineComment+child.Node.LineComment, ""
		}
		f = child
	}
	return f, nil
}

// Put sets a key of a mapping to a node. Comments on an old value stay.
func (e *Editor) Put(f Field, key string, value *yaml.Node) {
	child, message := Field{Path: f.Path + "." + key}, "is missing; it must be"
	if i := IndexOf(f.Node, key); i >= 0 && !isNull(f.Node.Content[i+1]) {
		child.Node, message = f.Node.Content[i+1], "must be"
	}
	if value.Kind != yaml.ScalarNode {
		message = "is not as configured"
	}
	e.Note(child.Path, child.Node, value, message)
	e.Insert(f, key, value)
}

// Insert is put without a note: what it makes is filled by other changes.
func (e *Editor) Insert(f Field, key string, value *yaml.Node) {
	e.Changed = true
	f.Node.Style &^= FlowIfEmpty(f.Node)
	i := IndexOf(f.Node, key)
	if i < 0 {
		f.Node.Content = append(f.Node.Content, TextNode(key), value)
		return
	}
	old := f.Node.Content[i+1]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	f.Node.Content[i+1] = value
}

// PutText sets a key of a mapping to a string. The quotes of an old one stay.
func (e *Editor) PutText(f Field, key, value string) {
	n := TextNode(value)
	if i := IndexOf(f.Node, key); i >= 0 {
		if quotes := f.Node.Content[i+1].Style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle); quotes != 0 {
			n.Style = quotes
		}
	}
	e.Put(f, key, n)
}

// PutBool sets a key of a mapping to true or false.
func (e *Editor) PutBool(f Field, key string, value bool) {
	e.Put(f, key, BoolNode(value))
}

// Add appends an entry to a list.
func (e *Editor) Add(f Field, entry *yaml.Node) {
	e.Note(oldEntryPath(f, entry), nil, entry, "is missing")
	f.Node.Style &^= FlowIfEmpty(f.Node)
	f.Node.Content = append(f.Node.Content, entry)
}

// Remove takes a key out of a mapping and tells whether it was there.
func (e *Editor) Remove(f Field, key string) bool {
	if f.Node == nil {
		return false
	}
	i := IndexOf(f.Node, key)
	if i < 0 {
		return false
	}
	e.Note(f.Path+"."+key, f.Node.Content[i+1], nil, "must not be set")
	f.Node.Content = slices.Delete(f.Node.Content, i, i+2)
	return true
}

// RemoveEmpty removes a list or mapping that the function has just emptied.
func (e *Editor) RemoveEmpty(f Field, key string, emptied bool) {
	if child, err := f.GetE(key); err == nil && emptied && child.Exists() && len(child.Node.Content) == 0 {
		i := IndexOf(f.Node, key)
		f.Node.Content = slices.Delete(f.Node.Content, i, i+2)
	}
}

// FlowIfEmpty returns the flow style for a node written as [] or {}: what is
// put into it reads better as a block.
func FlowIfEmpty(n *yaml.Node) yaml.Style {
	if len(n.Content) == 0 {
		return yaml.FlowStyle
	}
	return 0
}
