package transformer

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// field is a value in a resource and its path, for example
// spec.template.spec.containers.[name=manager].env. The node is nil when the
// value is absent or null: Kubernetes makes no difference between the two.
type field struct {
	path string
	node *yaml.Node
}

// fieldError says that a field is not what Kubernetes would accept, or what
// the function cannot work with.
type fieldError struct {
	path    string
	message string
}

func (e *fieldError) Error() string { return e.path + ": " + e.message }

func (f field) errorf(format string, args ...any) error {
	return &fieldError{path: f.path, message: fmt.Sprintf(format, args...)}
}

func (f field) exists() bool { return f.node != nil }

// get returns a field of a mapping.
func (f field) get(key string) (field, error) {
	child := field{path: strings.TrimPrefix(f.path+"."+key, ".")}
	if f.node == nil {
		return child, nil
	}
	if f.node.Kind != yaml.MappingNode {
		return child, f.errorf("expected fields such as %s, got %s", key, describe(f.node))
	}
	if i := indexOf(f.node, key); i >= 0 && !isNull(f.node.Content[i+1]) {
		child.node = resolve(f.node.Content[i+1])
	}
	return child, nil
}

// at follows several keys.
func (f field) at(keys ...string) (field, error) {
	for _, key := range keys {
		var err error
		if f, err = f.get(key); err != nil {
			return f, err
		}
	}
	return f, nil
}

// items returns the entries of a list. An entry that has a name carries it in
// its path, in the form that kustomize's replacements use.
func (f field) items() ([]field, error) {
	if f.node == nil {
		return nil, nil
	}
	if f.node.Kind != yaml.SequenceNode {
		return nil, f.errorf("expected a list, got %s", describe(f.node))
	}
	items := make([]field, len(f.node.Content))
	for i, n := range f.node.Content {
		n = resolve(n)
		items[i] = field{path: fmt.Sprintf("%s[%d]", f.path, i), node: n}
		if n.Kind != yaml.MappingNode {
			continue
		}
		if at := indexOf(n, "name"); at >= 0 && n.Content[at+1].Kind == yaml.ScalarNode {
			items[i].path = fmt.Sprintf("%s.[name=%s]", f.path, n.Content[at+1].Value)
		}
	}
	return items, nil
}

// entries returns the entries of the list below some keys.
func (f field) entries(keys ...string) ([]field, error) {
	list, err := f.at(keys...)
	if err != nil {
		return nil, err
	}
	return list.items()
}

// named returns the entries of a list that have the given name.
func (f field) named(name string) ([]field, error) {
	items, err := f.items()
	if err != nil {
		return nil, err
	}
	var found []field
	for _, item := range items {
		own, err := item.textAt("name")
		if err != nil {
			return nil, err
		}
		if own == name {
			found = append(found, item)
		}
	}
	return found, nil
}

// text returns a string, or "" when the field is absent.
func (f field) text() (string, error) {
	if f.node == nil {
		return "", nil
	}
	if f.node.Kind != yaml.ScalarNode {
		return "", f.errorf("expected a string, got %s", describe(f.node))
	}
	if f.node.ShortTag() == "!!binary" {
		return "", f.errorf("expected a string, got !!binary; write the text itself")
	}
	return f.node.Value, nil
}

// textAt returns the string below some keys.
func (f field) textAt(keys ...string) (string, error) {
	child, err := f.at(keys...)
	if err != nil {
		return "", err
	}
	return child.text()
}

// textOr returns the string below some keys, or "" where there is none. kyaml's
// getters for kind and name panic on resources that are no mappings.
func (f field) textOr(keys ...string) string {
	text, err := f.textAt(keys...)
	if err != nil {
		return ""
	}
	return text
}

// texts returns a mapping of strings, such as labels.
func (f field) texts() (map[string]string, error) {
	if f.node == nil {
		return nil, nil
	}
	if f.node.Kind != yaml.MappingNode {
		return nil, f.errorf("expected keys and values, got %s", describe(f.node))
	}
	texts := make(map[string]string, len(f.node.Content)/2)
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		texts[f.node.Content[i].Value] = resolve(f.node.Content[i+1]).Value
	}
	return texts, nil
}

// truth is what a field says that should be true or false.
type truth struct {
	value bool
	// quoted is a string such as "true", which the Kubernetes API refuses.
	quoted bool
}

// boolean returns what a field says, or nil when it is absent.
func (f field) boolean() (*truth, error) {
	if f.node == nil {
		return nil, nil
	}
	if f.node.Kind == yaml.ScalarNode {
		quoted := f.node.ShortTag() == yaml.NodeTagString && f.node.Style != 0
		switch strings.ToLower(f.node.Value) {
		case "true", "yes", "on": // YAML 1.1, as the Kubernetes API reads it
			return &truth{value: true, quoted: quoted}, nil
		case "false", "no", "off":
			return &truth{value: false, quoted: quoted}, nil
		}
	}
	return nil, f.errorf("expected true or false, got %s", describe(f.node))
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func indexOf(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("the value %q", n.Value)
	}
}

func textNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value}
}

func boolNode(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: fmt.Sprint(value)}
}

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

// entryPath returns the path of an entry of a list, by its name if it has one.
func entryPath(list field, entry *yaml.Node) string {
	if name := (field{node: entry}).textOr("name"); name != "" {
		return fmt.Sprintf("%s.[name=%s]", list.path, name)
	}
	return list.path
}

// removeEntry takes an entry out of a list.
func (e *editor) removeEntry(list, entry field) {
	if i := slices.Index(list.node.Content, entry.node); i >= 0 {
		e.note(entryPath(list, entry.node), entry.node, nil, "must not be there")
		list.node.Content = slices.Delete(list.node.Content, i, i+1)
	}
}

// replaceEntry puts another entry into the place of one.
func (e *editor) replaceEntry(list field, old, entry *yaml.Node) {
	was, is := field{path: entryPath(list, old), node: old}, field{node: entry}
	if was.textOr("value") != "" && is.textOr("value") != "" { // an env variable
		e.note(was.path+".value", old.Content[indexOf(old, "value")+1], entry.Content[indexOf(entry, "value")+1], "must be")
	} else {
		e.note(was.path, nil, nil, "is not as configured")
	}
	keepComments(old, entry)
	list.node.Content[slices.Index(list.node.Content, old)] = entry
}

// insertAfter puts an entry behind another one.
func (e *editor) insertAfter(list field, other, entry *yaml.Node) {
	e.note(entryPath(list, entry), nil, entry, "is missing")
	list.node.Content = slices.Insert(list.node.Content, slices.Index(list.node.Content, other)+1, entry)
}

// flowIfEmpty returns the flow style for a node written as [] or {}: what is
// put into it reads better as a block.
func flowIfEmpty(n *yaml.Node) yaml.Style {
	if len(n.Content) == 0 {
		return yaml.FlowStyle
	}
	return 0
}
