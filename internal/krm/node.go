package krm

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Resolve follows an alias to what it stands for.
func Resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// IndexOf returns where in the content of a mapping a key stands, or -1.
func IndexOf(mapping *yaml.Node, key string) int {
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

// Describe names what a node is, for messages. It does not repeat a string, which may
// be a key that was put into the wrong place.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch n.ShortTag() {
	case yaml.NodeTagString:
		return "a string"
	case yaml.NodeTagBool:
		return "the boolean " + quote.Word(n.Value)
	case yaml.NodeTagInt, yaml.NodeTagFloat:
		return "the number " + quote.Word(n.Value)
	case yaml.NodeTagNull:
		return "null"
	default:
		return "a value of another type"
	}
}

// TextNode returns a string. It is quoted where the API server would read anything
// else: kyaml writes yes and on as they stand.
func TextNode(value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value}
	if plain11(value) {
		if read, err := parse11(value); err != nil || read != value {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	return n
}

// BoolNode returns true or false.
func BoolNode(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: fmt.Sprint(value)}
}

// Node returns the YAML of a value made of structs, lists and scalars, or of
// YAML.
func Node(value any) (*yaml.Node, error) {
	if n, ok := value.(*yaml.Node); ok {
		return n, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", value, err)
	}
	return n, nil
}

// Quote shows the value of a field that has few, so that "true" and true can be told
// apart.
func Quote(n *yaml.Node) string {
	if n.ShortTag() == yaml.NodeTagString && n.Style != 0 {
		return "the string \"" + quote.Value(n.Value) + "\""
	}
	return quote.Value(n.Value)
}
