package krm

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Field is a value in a resource and its path, for example
// spec.template.spec.containers.[name=manager].env. The node is nil when the
// value is absent or null: Kubernetes makes no difference between the two.
type Field struct {
	Path string
	Node *yaml.Node
}

// FieldError says that a field is not what Kubernetes would accept, or what
// the function cannot work with.
type FieldError struct {
	Path    string
	Message string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Message }

// Errorf returns an error about the field.
func (f Field) Errorf(format string, args ...any) error {
	return &FieldError{Path: f.Path, Message: fmt.Sprintf(format, args...)}
}

// Exists tells whether there is a value.
func (f Field) Exists() bool { return f.Node != nil }

// Get returns a field of a mapping.
func (f Field) GetE(key string) (Field, error) {
	child := Field{Path: strings.TrimPrefix(f.Path+"."+key, ".")}
	if f.Node == nil {
		return child, nil
	}
	if f.Node.Kind != yaml.MappingNode {
		return child, f.Errorf("expected fields such as %s, got %s", key, Describe(f.Node))
	}
	if i := IndexOf(f.Node, key); i >= 0 && !isNull(f.Node.Content[i+1]) {
		child.Node = Resolve(f.Node.Content[i+1])
	}
	return child, nil
}

// At follows several keys.
func (f Field) AtE(keys ...string) (Field, error) {
	for _, key := range keys {
		var err error
		if f, err = f.GetE(key); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Items returns the entries of a list. An entry that has a name carries it in
// its path, in the form that kustomize's replacements use.
func (f Field) ItemsE() ([]Field, error) {
	if f.Node == nil {
		return nil, nil
	}
	if f.Node.Kind != yaml.SequenceNode {
		return nil, f.Errorf("expected a list, got %s", Describe(f.Node))
	}
	items := make([]Field, len(f.Node.Content))
	for i, n := range f.Node.Content {
		n = Resolve(n)
		items[i] = Field{Path: fmt.Sprintf("%s[%d]", f.Path, i), Node: n}
		if n.Kind != yaml.MappingNode {
			continue
		}
		if at := IndexOf(n, "name"); at >= 0 && n.Content[at+1].Kind == yaml.ScalarNode {
			items[i].Path = fmt.Sprintf("%s.[name=%s]", f.Path, n.Content[at+1].Value)
		}
	}
	return items, nil
}

// Entries returns the entries of the list below some keys.
func (f Field) EntriesE(keys ...string) ([]Field, error) {
	list, err := f.AtE(keys...)
	if err != nil {
		return nil, err
	}
	return list.ItemsE()
}

// Named returns the entries of a list that have the given name.
func (f Field) NamedE(name string) ([]Field, error) {
	items, err := f.ItemsE()
	if err != nil {
		return nil, err
	}
	var found []Field
	for _, item := range items {
		own, err := item.TextAtE("name")
		if err != nil {
			return nil, err
		}
		if own == name {
			found = append(found, item)
		}
	}
	return found, nil
}

// Text returns a string, or "" when the field is absent.
func (f Field) TextE() (string, error) {
	if f.Node == nil {
		return "", nil
	}
	if f.Node.Kind != yaml.ScalarNode {
		return "", f.Errorf("expected a string, got %s", Describe(f.Node))
	}
	if f.Node.ShortTag() == "!!binary" {
		return "", f.Errorf("expected a string, got !!binary; write the text itself")
	}
	return f.Node.Value, nil
}

// TextAt returns the string below some keys.
func (f Field) TextAtE(keys ...string) (string, error) {
	child, err := f.AtE(keys...)
	if err != nil {
		return "", err
	}
	return child.TextE()
}

// TextOr returns the string below some keys, or "" where there is none. kyaml's
// getters for kind and name panic on resources that are no mappings.
func (f Field) TextOr(keys ...string) string {
	text, err := f.TextAtE(keys...)
	if err != nil {
		return ""
	}
	return text
}

// Texts returns a mapping of strings, such as labels.
func (f Field) TextsE() (map[string]string, error) {
	if f.Node == nil {
		return nil, nil
	}
	if f.Node.Kind != yaml.MappingNode {
		return nil, f.Errorf("expected keys and values, got %s", Describe(f.Node))
	}
	texts := make(map[string]string, len(f.Node.Content)/2)
	for i := 0; i+1 < len(f.Node.Content); i += 2 {
		texts[f.Node.Content[i].Value] = Resolve(f.Node.Content[i+1]).Value
	}
	return texts, nil
}

// Truth is what a field says that should be true or false.
type Truth struct {
	Value bool
	// Quoted is a string such as "true", which the Kubernetes API refuses.
	Quoted bool
}

// Boolean returns what a field says, or nil when it is absent.
func (f Field) BooleanE() (*Truth, error) {
	if f.Node == nil {
		return nil, nil
	}
	if f.Node.Kind == yaml.ScalarNode {
		quoted := f.Node.ShortTag() == yaml.NodeTagString && f.Node.Style != 0
		switch strings.ToLower(f.Node.Value) {
		case "true", "yes", "on": // YAML 1.1, as the Kubernetes API reads it
			return &Truth{Value: true, Quoted: quoted}, nil
		case "false", "no", "off":
			return &Truth{Value: false, Quoted: quoted}, nil
		}
	}
	return nil, f.Errorf("expected true or false, got %s", Describe(f.Node))
}

// TextsAt returns the mapping of strings below some keys.
func (f Field) TextsAtE(keys ...string) (map[string]string, error) {
	child, err := f.AtE(keys...)
	if err != nil {
		return nil, err
	}
	return child.TextsE()
}

// Flatten returns the object itself, or the items of a List.
func Flatten(object Field) []Field {
	if object.Node == nil || object.Node.Kind != yaml.MappingNode {
		return nil
	}
	if !strings.HasSuffix(object.TextOr("kind"), "List") {
		return []Field{object}
	}
	list, err := object.GetE("items")
	if err != nil {
		return []Field{object}
	}
	items, err := list.ItemsE()
	if err != nil {
		return []Field{object}
	}
	var found []Field
	for _, item := range items {
		// Paths in results start at the object, not at the List.
		found = append(found, Flatten(Field{Node: item.Node})...)
	}
	return found
}
