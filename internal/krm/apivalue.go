package krm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// APIValue returns a value as the API server and kubectl read its text: maps with
// strings as keys, lists, strings, numbers, booleans or nil. They read YAML 1.1 by
// sigs.k8s.io/yaml, where kyaml reads YAML 1.2: yes and y are true, !!binary is
// text in base64, and the last of two equal keys counts, also one that << brings.
func APIValue(n *yaml.Node) (any, error) {
	n = Resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		value := make(map[string]any, len(n.Content)/2)
		return value, apiFields(n, value)
	case yaml.SequenceNode:
		value := make([]any, len(n.Content))
		for i, entry := range n.Content {
			var err error
			if value[i], err = APIValue(entry); err != nil {
				return nil, err
			}
		}
		return value, nil
	default:
		return apiScalar(n)
	}
}

func apiFields(n *yaml.Node, into map[string]any) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMergeKey(n.Content[i]) {
			if err := apiMerge(Resolve(n.Content[i+1]), into); err != nil {
				return err
			}
			continue
		}
		key, err := APIKey(n.Content[i])
		if err != nil {
			return err
		}
		if _, again := into[key]; again {
			if err := apiClash(n, i, key); err != nil {
				return err
			}
		}
		if into[key], err = APIValue(n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// apiClash refuses a key that is written in two ways: the API server takes either.
func apiClash(n *yaml.Node, at int, key string) error {
	for i := 0; i < at; i += 2 {
		if n.Content[i].Value == n.Content[at].Value || isMergeKey(n.Content[i]) {
			continue
		}
		if other, err := APIKey(n.Content[i]); err == nil && other == key {
			return fmt.Errorf("%q and %q are one key for the API server, which takes either; remove one", quote.Key(n.Content[i].Value), quote.Key(n.Content[at].Value))
		}
	}
	return nil
}

// apiMerge adds what << refers to. Of a list the first mapping counts most.
func apiMerge(n *yaml.Node, into map[string]any) error {
	switch n.Kind {
	case yaml.MappingNode:
		return apiFields(n, into)
	case yaml.SequenceNode:
		for i := len(n.Content) - 1; i >= 0; i-- {
			entry := Resolve(n.Content[i])
			if entry.Kind != yaml.MappingNode {
				return fmt.Errorf("<< wants mappings, got %s", Describe(entry))
			}
			if err := apiFields(entry, into); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("<< wants a mapping, got %s", Describe(n))
	}
}

func isMergeKey(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && (n.ShortTag() == yaml.MergeTag || !isQuoted(n) && n.Style&yaml.TaggedStyle == 0)
}

// isQuoted reports whether a scalar is a string by the way it is written.
func isQuoted(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// APIKey returns the name of a field as the API server reads it: yes: is the key
// "true", and a key in !!binary is the text that it encodes.
func APIKey(n *yaml.Node) (string, error) {
	n = Resolve(n)
	if n.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("a key must be a text, got %s", Describe(n))
	}
	value, err := apiScalar(n)
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case int, bool:
		return fmt.Sprint(v), nil
	}
	text, err := kubeyaml.YAMLToJSON([]byte(n.Value + ": 0"))
	if err != nil {
		return "", fmt.Errorf("the key %q: %s", quote.Key(n.Value), quote.Reader(err))
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		return "", fmt.Errorf("the key %q: %s", quote.Key(n.Value), quote.Reader(err))
	}
	for key := range keys {
		return key, nil
	}
	return "", fmt.Errorf("the key %q is not one", quote.Key(n.Value))
}

func apiScalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		text, err := yaml.NewRNode(&yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value, Style: n.Style}).String()
		if err != nil {
			return nil, fmt.Errorf("%s: %s", quote.Word(n.Tag), quote.Reader(err))
		}
		return parse11(text)
	}
	if isQuoted(n) || !plain11(n.Value) {
		if n.ShortTag() == yaml.NodeTagNull {
			return nil, nil //nolint:nilnil // null is a value
		}
		return n.Value, nil
	}
	// A node that was made, not read, may be a string that is quoted when it is written.
	implicit := (&yaml.Node{Kind: yaml.ScalarNode, Value: n.Value}).ShortTag()
	switch {
	case n.Tag != "" && n.ShortTag() == yaml.NodeTagString && implicit != yaml.NodeTagString:
		return n.Value, nil
	case implicit == yaml.NodeTagBool:
		return strings.EqualFold(n.Value, "true"), nil
	case implicit == yaml.NodeTagInt && n.Value[0] >= '1': // the rest of the most
		if i, err := strconv.Atoi(n.Value); err == nil {
			return i, nil
		}
	}
	return parse11(n.Value)
}

// plain11 reports whether a plain scalar could be anything but a string.
func plain11(value string) bool {
	switch {
	case value == "":
		return true
	case value == "-", value == "---", value == "...", strings.ContainsAny(value, " \t\n:#,[]{}"):
		return false
	case strings.IndexByte("ynYNtTfFoO", value[0]) >= 0:
		return isWord11(value)
	default:
		return strings.IndexByte("+-.0123456789~", value[0]) >= 0 && (!strings.HasPrefix(value, "--") || strings.HasPrefix(value, "---"))
	}
}

// isWord11 reports whether a word is a boolean or null in YAML 1.1, in some mix of upper
// and lower case.
func isWord11(value string) bool {
	return slices.ContainsFunc([]string{"y", "n", "no", "on", "yes", "off", "true", "null", "false"}, func(word string) bool {
		return strings.EqualFold(word, value)
	})
}

func parse11(text string) (any, error) {
	var value any
	if err := goyaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("is not YAML for the API server: %s", quote.Reader(err))
	}
	return value, nil
}
