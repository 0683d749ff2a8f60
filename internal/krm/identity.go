package krm

import (
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Identity says which object of a cluster an object is.
type Identity struct {
	APIVersion, Kind string
	// Names and Namespaces are the present ones, followed by those before a build
	// tool changed them.
	Names, Namespaces []string
}

// Identities returns what readers take an object for. It is one for nearly all objects.
// Where a key appears twice, or is written in a way that YAML 1.2 reads as another one,
// kyaml and the API server differ, and both readings count. An item of a list such as
// ConfigMapList need not say its kind.
func (o *Object) Identities() []Identity {
	found := identities(o.Before.Node)
	for i := range found {
		if id := &found[i]; o.listed != "" && id.Kind == "" && id.APIVersion == "" {
			id.Kind, id.APIVersion = o.listed, "v1"
		}
	}
	return found
}

// IsList reports whether a reader takes the object for a List.
func (o *Object) IsList() bool { return isList(o.Before.Node) }

func isList(n *yaml.Node) bool {
	return slices.ContainsFunc(identities(n), func(id Identity) bool { return strings.HasSuffix(id.Kind, "List") })
}

// As returns an object that findings can name instead, for one of its identities that
// cannot be relied upon.
func (o *Object) As(id Identity) *Object {
	return &Object{Before: o.Before, Names: id.Names, Namespaces: id.Namespaces, File: o.File, err: o.err}
}

func identities(n *yaml.Node) []Identity {
	f := Field{Node: n}
	first := Identity{
		f.Peek("apiVersion"), f.Peek("kind"),
		presentAndPrevious(f.Peek("metadata", "name"), f.Peek("metadata", "annotations", previousNames)),
		presentAndPrevious(f.Peek("metadata", "namespace"), f.Peek("metadata", "annotations", previousNamespaces)),
	}
	meta := f.Loose().Get("metadata")
	if isPlain(n, "apiVersion", "kind", "metadata") && isPlain(meta.Node, "name", "namespace", "annotations") &&
		isPlain(meta.Get("annotations").Node, previousNames, previousNamespaces) {
		return []Identity{first}
	}
	if SizeOf(n).Check(0) != nil {
		return []Identity{first} // whoever looks at more of it refuses it
	}
	read, err := APIValue(n)
	object, ok := read.(map[string]any)
	if err != nil || !ok {
		return []Identity{first}
	}
	text := func(fields map[string]any, key string) string {
		value, _ := fields[key].(string)
		return value
	}
	fields, _ := object["metadata"].(map[string]any)
	annotations, _ := fields["annotations"].(map[string]any)
	last := Identity{
		text(object, "apiVersion"), text(object, "kind"),
		presentAndPrevious(text(fields, "name"), text(annotations, previousNames)),
		presentAndPrevious(text(fields, "namespace"), text(annotations, previousNamespaces)),
	}
	if reflect.DeepEqual(first, last) {
		return []Identity{first}
	}
	return []Identity{first, last}
}

// isPlain reports whether readers agree about some keys of a mapping.
func isPlain(n *yaml.Node, keys ...string) bool {
	if n == nil || n.Kind != yaml.MappingNode {
		return true
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || isMergeKey(key) || key.Style&yaml.TaggedStyle != 0 || seen[key.Value] {
			return false
		}
		if slices.Contains(keys, key.Value) {
			seen[key.Value] = true
			if value.Kind == yaml.AliasNode || value.Style&yaml.TaggedStyle != 0 {
				return false
			}
		}
	}
	return true
}
