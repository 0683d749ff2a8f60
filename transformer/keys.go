package transformer

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// checkKeys refuses keys that stand twice: readers disagree about which one
// counts, so an edit of either may do nothing.
func checkKeys(f field) error {
	if f.node.Kind == yaml.SequenceNode {
		items, err := f.items()
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := checkKeys(item); err != nil {
				return err
			}
		}
		return nil
	}
	if f.node.Kind != yaml.MappingNode {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		key := f.node.Content[i].Value
		child := field{path: strings.TrimPrefix(f.path+"."+key, "."), node: f.node.Content[i+1]}
		if seen[key] {
			return child.errorf("stands twice; remove one")
		}
		seen[key] = true
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}
