package transformer

import (
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// editor changes fields and remembers whether it did. Its methods cover the
// cases in which the setters of kyaml do nothing or keep an old style: explicit
// nulls, quoted booleans, lists written as [].
type editor struct {
	changed bool
	// differs is told of every change where nothing is to be changed, or nil.
	differs func(c change, message string)
}

// note tells of a change.
func (e *editor) note(path string, current, proposed *yaml.Node, message string) {
	e.changed = true
	if e.differs == nil {
		return
	}
	c := change{path: path}
	if current != nil && current.Kind == yaml.ScalarNode {
		c.current = current.Value
		message = "is " + quote(current) + "; " + message
	}
	if proposed != nil && proposed.Kind == yaml.ScalarNode {
		c.proposed = proposed.Value
		message += " " + quote(proposed)
	}
	e.differs(c, message)
}

// ensure returns the mapping below some keys and creates what is missing.
func (e *editor) ensure(f field, keys ...string) (field, error) {
	return e.create(f, yaml.MappingNode, keys)
}

// ensureList returns the list at a key and creates it when it is missing.
func (e *editor) ensureList(f field, key string) (field, error) {
	return e.create(f, yaml.SequenceNode, []string{key})
}

func (e *editor) create(f field, kind yaml.Kind, keys []string) (field, error) {
	for i, key := range keys {
		child, err := f.get(key)
		if err != nil {
			return f, err
		}
		if !child.exists() {
			child.node = &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
			if i == len(keys)-1 && kind == yaml.SequenceNode {
				child.node.Kind, child.node.Tag = kind, yaml.NodeTagSeq
			}
			e.insert(f, key, child.node)
		}
		if len(child.node.Content) == 0 { // a comment behind [] goes behind the key
			name := f.node.Content[indexOf(f.node, key)]
			name.LineComment, child.node.LineComment = name.LineComment+child.node.LineComment, ""
		}
		f = child
	}
	return f, nil
}

// put sets a key of a mapping to a node. Comments on an old value stay.
func (e *editor) put(f field, key string, value *yaml.Node) {
	child, message := field{path: f.path + "." + key}, "is missing; it must be"
	if i := indexOf(f.node, key); i >= 0 && !isNull(f.node.Content[i+1]) {
		child.node, message = f.node.Content[i+1], "must be"
	}
	if value.Kind != yaml.ScalarNode {
		message = "is not as configured"
	}
	e.note(child.path, child.node, value, message)
	e.insert(f, key, value)
}

// insert is put without a note: what it makes is filled by other changes.
func (e *editor) insert(f field, key string, value *yaml.Node) {
	e.changed = true
	f.node.Style &^= flowIfEmpty(f.node)
	i := indexOf(f.node, key)
	if i < 0 {
		f.node.Content = append(f.node.Content, textNode(key), value)
		return
	}
	old := f.node.Content[i+1]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	f.node.Content[i+1] = value
}

// putText sets a key of a mapping to a string. The quotes of an old one stay.
func (e *editor) putText(f field, key, value string) {
	n := textNode(value)
	if i := indexOf(f.node, key); i >= 0 {
		n.Style = f.node.Content[i+1].Style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle)
	}
	e.put(f, key, n)
}

// putBool sets a key of a mapping to true or false.
func (e *editor) putBool(f field, key string, value bool) {
	e.put(f, key, boolNode(value))
}

// add appends an entry to a list.
func (e *editor) add(f field, entry *yaml.Node) {
	e.note(entryPath(f, entry), nil, entry, "is missing")
	f.node.Style &^= flowIfEmpty(f.node)
	f.node.Content = append(f.node.Content, entry)
}

// remove takes a key out of a mapping and tells whether it was there.
func (e *editor) remove(f field, key string) bool {
	if f.node == nil {
		return false
	}
	i := indexOf(f.node, key)
	if i < 0 {
		return false
	}
	e.note(f.path+"."+key, f.node.Content[i+1], nil, "must not be set")
	f.node.Content = slices.Delete(f.node.Content, i, i+2)
	return true
}

// removeEmpty removes a list or mapping that the function has just emptied.
func (e *editor) removeEmpty(f field, key string, emptied bool) {
	if child, err := f.get(key); err == nil && emptied && child.exists() && len(child.node.Content) == 0 {
		i := indexOf(f.node, key)
		f.node.Content = slices.Delete(f.node.Content, i, i+2)
	}
}

// flowIfEmpty returns the flow style for a node written as [] or {}: what is
// put into it reads better as a block.
func flowIfEmpty(n *yaml.Node) yaml.Style {
	if len(n.Content) == 0 {
		return yaml.FlowStyle
	}
	return 0
}
