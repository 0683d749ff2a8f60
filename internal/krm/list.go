package krm

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// keepComments moves the comments around an entry to the one in its place.
func keepComments(old, entry *yaml.Node) {
	entry.HeadComment, entry.FootComment = old.HeadComment, old.FootComment
	if len(old.Content) > 0 && len(entry.Content) > 0 {
		entry.Content[0].HeadComment = old.Content[0].HeadComment
	}
}

// isAsWanted reports whether an entry that is there means the same as one that is
// wanted, but for what the API server fills in.
func isAsWanted(have, want *yaml.Node) bool {
	return Equal(withoutDefaults(have), withoutDefaults(want))
}

// withoutDefaults returns a copy without the fields that the API server fills in.
func withoutDefaults(n *yaml.Node) *yaml.Node {
	c := *Resolve(n)
	c.Content = nil
	for i, child := range Resolve(n).Content {
		if pair := Resolve(n).Content[i&^1:]; c.Kind == yaml.MappingNode && isDefault(pair[0].Value, Resolve(pair[1]).Value) {
			continue
		}
		c.Content = append(c.Content, withoutDefaults(child))
	}
	return &c
}

// isDefault reports whether the API server fills a field in, with a value that does no
// harm: a defaultMode of 0 would let nobody read a file.
func isDefault(field, value string) bool {
	switch field {
	case "defaultMode":
		return value == "420" || value == "0644" || value == "0o644"
	case "recursiveReadOnly", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy":
		return true
	default:
		return false
	}
}
