package transformer

import (
	"fmt"
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

func textsAt(f field, keys ...string) (map[string]string, error) {
	child, err := f.at(keys...)
	if err != nil {
		return nil, err
	}
	return child.texts()
}

// flatten returns the object itself, or the items of a List.
func flatten(object field) []field {
	if object.node == nil || object.node.Kind != yaml.MappingNode {
		return nil
	}
	if !strings.HasSuffix(object.textOr("kind"), "List") {
		return []field{object}
	}
	list, err := object.get("items")
	if err != nil {
		return []field{object}
	}
	items, err := list.items()
	if err != nil {
		return []field{object}
	}
	var found []field
	for _, item := range items {
		// Paths in results start at the object, not at the List.
		found = append(found, flatten(field{node: item.node})...)
	}
	return found
}
