package krm

import (
	"slices"

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
		if c.Kind == yaml.MappingNode && slices.Contains(defaulted(), Resolve(n).Content[i&^1].Value) {
			continue
		}
		c.Content = append(c.Content, withoutDefaults(child))
	}
	return &c
}

func defaulted() []string {
	return []string{"defaultMode", "recursiveReadOnly", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"}
}
