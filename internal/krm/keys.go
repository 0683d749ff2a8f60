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
	if f.Node.Kind == yaml.SequenceNode {
		for _, item := range f.Items() {
			if err := checkKeys(item); err != nil {
				return err
			}
		}
		return nil
	}
	if f.Node.Kind != yaml.MappingNode {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(f.Node.Content); i += 2 {
		key := f.Node.Content[i].Value
		child := Field{Path: strings.TrimPrefix(f.Path+"."+quote.Key(key), "."), Node: f.Node.Content[i+1]}
		switch read, err := APIKey(f.Node.Content[i]); {
		case err != nil:
			return &FieldError{Code: WrongType, Path: child.Path, Message: err.Error()}
		case read != key:
			return &FieldError{Code: WrongType, Path: child.Path, Message: fmt.Sprintf("is the key %q for the API server, which reads YAML 1.1; write that, or put the key into quotes", quote.Key(read))}
		case seen[key]:
			return &FieldError{Code: DuplicateKey, Path: child.Path, Message: "appears twice; remove one"}
		}
		seen[key] = true
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}
