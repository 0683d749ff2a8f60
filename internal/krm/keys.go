package krm

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// CheckKeys refuses keys that appear twice, and keys that are others for the API
// server, such as one in !!binary: readers disagree about what counts, so an edit may
// do nothing. The error sticks to the object.
func (f Field) CheckKeys() { f.fail(checkKeys(f)) }

func checkKeys(f Field) error {
	return checkKeysOf(f.Node, func() string { return f.Path })
}

// checkKeysOf is checkKeys. The path is wanted for an error alone.
func checkKeysOf(n *yaml.Node, path func() string) error {
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			item = Resolve(item)
			if err := checkKeysOf(item, func() string { return entryPath(path(), i, item) }); err != nil {
				return err
			}
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		own := func() string { return strings.TrimPrefix(path()+"."+quote.Key(key), ".") }
		switch read, err := APIKey(n.Content[i]); {
		case err != nil:
			return &FieldError{Code: WrongType, Path: own(), Message: err.Error()}
		case read != key:
			return &FieldError{Code: WrongType, Path: own(), Message: fmt.Sprintf("is the key %q for the API server, which reads YAML 1.1; write that, or put the key into quotes", quote.Key(read))}
		case seen[key]:
			return &FieldError{Code: DuplicateKey, Path: own(), Message: "appears twice; remove one"}
		}
		seen[key] = true
		if err := checkKeysOf(n.Content[i+1], own); err != nil {
			return err
		}
	}
	return nil
}
