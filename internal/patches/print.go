package patches

import "sigs.k8s.io/kustomize/kyaml/yaml"

// Print writes patches as YAML below some keys: patches for a kustomization,
// spec and patches for a Flux Kustomization, spec, kustomize and patches for a
// FluxInstance.
func Print(list []Patch, keys ...string) (string, error) {
	value := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
	if len(list) == 0 {
		value.Style = yaml.FlowStyle
	}
	for _, p := range list {
		value.Content = append(value.Content, p.Node())
	}
	for i := len(keys) - 1; i >= 0; i-- {
		above := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
		set(above, keys[i], value)
		value = above
	}
	return encode(value)
}
