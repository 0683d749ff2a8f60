package krm

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Field is a value in an object and its path, for example
// spec.template.spec.containers.[name=manager].env. The node is nil when the
// value is absent or null: Kubernetes makes no difference between the two.
//
// The first error of a field sticks to its object, as that of a bufio.Scanner
// does: readers go on and return nothing, later edits do nothing, and
// [Object.Err] has the error. Errors of a field without an object are lost.
type Field struct {
	Path string
	Node *yaml.Node

	object *Object
	// after is set on fields that may be edited.
	after bool
}

// Exists reports whether there is a value.
func (f Field) Exists() bool { return f.Node != nil }

// Object returns the object that the field belongs to, or nil.
func (f Field) Object() *Object { return f.object }

// Loose returns the field without its object: errors below it are lost.
func (f Field) Loose() Field {
	f.object = nil
	return f
}

// Aside returns the field with errors of its own: they stick to the object that is
// returned, and not to that of the field.
func (f Field) Aside() (Field, *Object) {
	f.object = &Object{}
	return f, f.object
}

// Fail sticks an error about the field to its object.
func (f Field) Fail(code Code, format string, args ...any) {
	f.fail(&FieldError{Code: code, Path: f.Path, Message: fmt.Sprintf(format, args...)})
}

func (f Field) fail(err error) {
	if f.object != nil && err != nil {
		f.object.Fail(err)
	}
}

// Get returns the field below some keys.
func (f Field) Get(keys ...string) Field {
	for _, key := range keys {
		f = f.get(key)
	}
	return f
}

func (f Field) get(key string) Field {
	child := f
	child.Path, child.Node = strings.TrimPrefix(f.Path+"."+key, "."), nil
	switch {
	case f.Node == nil:
	case f.Node.Kind != yaml.MappingNode:
		f.Fail(WrongType, "expected fields such as %s, got %s", key, Describe(f.Node))
	default:
		if i := IndexOf(f.Node, key); i >= 0 && !isNull(f.Node.Content[i+1]) {
			child.Node = Resolve(f.Node.Content[i+1])
		}
	}
	return child
}

// Items returns the entries of the list below some keys. An entry that has a name
// carries it in its path, in the form that kustomize's replacements use.
func (f Field) Items(keys ...string) []Field {
	f = f.Get(keys...)
	if f.Node == nil {
		return nil
	}
	if f.Node.Kind != yaml.SequenceNode {
		f.Fail(WrongType, "expected a list, got %s", Describe(f.Node))
		return nil
	}
	items := make([]Field, len(f.Node.Content))
	for i, n := range f.Node.Content {
		items[i] = f
		items[i].Node, items[i].Path = Resolve(n), entryPath(f.Path, i, Resolve(n))
	}
	return items
}

// entryPath returns the path of an entry of a list: by its name if it has one.
func entryPath(list string, i int, entry *yaml.Node) string {
	if name := entryName(entry); name != nil {
		return fmt.Sprintf("%s.[name=%s]", list, quote.Name(name.Value))
	}
	return fmt.Sprintf("%s[%d]", list, i)
}

// entryName returns the name of an entry of a list, or nil.
func entryName(entry *yaml.Node) *yaml.Node {
	if entry.Kind != yaml.MappingNode {
		return nil
	}
	at := IndexOf(entry, "name")
	if at < 0 || entry.Content[at+1].Kind != yaml.ScalarNode {
		return nil
	}
	return entry.Content[at+1]
}

// Named returns the entries of a list that have the given name.
func (f Field) Named(name string) []Field {
	var found []Field
	for _, item := range f.Items() {
		if item.Text("name") == name {
			found = append(found, item)
		}
	}
	return found
}

// Text returns the string below some keys, or "" where there is none.
func (f Field) Text(keys ...string) string {
	f = f.Get(keys...)
	switch {
	case f.Node == nil:
		return ""
	case f.Node.Kind != yaml.ScalarNode:
		f.Fail(WrongType, "expected a string, got %s", Describe(f.Node))
		return ""
	case f.Node.ShortTag() == "!!binary":
		f.Fail(WrongType, "expected a string, got !!binary; write the text itself")
		return ""
	}
	return f.Node.Value
}

// Peek returns the string below some keys, or "" where there is none. It leaves no
// error.
func (f Field) Peek(keys ...string) string { return f.Loose().Text(keys...) }

// Texts returns the mapping of strings below some keys, such as labels.
func (f Field) Texts(keys ...string) map[string]string {
	f = f.Get(keys...)
	if f.Node == nil {
		return nil
	}
	if f.Node.Kind != yaml.MappingNode {
		f.Fail(WrongType, "expected keys and values, got %s", Describe(f.Node))
		return nil
	}
	texts := make(map[string]string, len(f.Node.Content)/2)
	for i := 0; i+1 < len(f.Node.Content); i += 2 {
		texts[f.Node.Content[i].Value] = Resolve(f.Node.Content[i+1]).Value
	}
	return texts
}

// Truth is what a field says that should be true or false.
type Truth struct {
	Value bool
	// Quoted is a string such as "true", which the Kubernetes API refuses.
	Quoted bool
}

// Boolean returns what the field below some keys says, or nil where there is none.
func (f Field) Boolean(keys ...string) *Truth {
	f = f.Get(keys...)
	if f.Node == nil {
		return nil
	}
	if f.Node.Kind == yaml.ScalarNode {
		switch value, err := APIValue(f.Node); v := value.(type) {
		case bool:
			return &Truth{Value: v}
		case string:
			if word := strings.ToLower(v); err == nil && plain11(word) {
				value, _ = parse11(word) //nolint:errcheck // then it is not a boolean
				if truth, ok := value.(bool); ok {
					return &Truth{Value: truth, Quoted: true}
				}
			}
		}
	}
	f.Fail(WrongType, "expected true or false, got %s", Describe(f.Node))
	return nil
}

// item is an object of a List, and the kind that the List says its items have.
type item struct {
	node *yaml.Node
	kind string
}

// itemsOf returns an object itself, or the items of a List.
func itemsOf(n *yaml.Node, listed string) []item {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	f := Field{Node: n}
	kind := f.Peek("kind")
	list := f.Get("items")
	if !strings.HasSuffix(kind, "List") || list.Node == nil || list.Node.Kind != yaml.SequenceNode {
		return []item{{n, listed}}
	}
	var found []item
	for _, entry := range list.Node.Content {
		found = append(found, itemsOf(Resolve(entry), strings.TrimSuffix(kind, "List"))...)
	}
	return found
}
