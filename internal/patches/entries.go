package patches

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Replace puts the patches of a config into a list of patches, in the places of
// its old ones, else at the end. Those of others stay as they are, in their order.
// Patches of another config are an error: the two would undo each other.
func Replace(list *yaml.Node, owner string, want []Patch) error {
	var out []*yaml.Node
	end, next := -1, 0
	for i, entry := range list.Content {
		switch by := Owner(text(entry, "patch")); by {
		case owner:
			if next < len(want) {
				if n := want[next].Node(); !krm.Equal(entry, n) {
					n.HeadComment, n.FootComment = entry.HeadComment, entry.FootComment
					entry = n
				}
				next++
				out = append(out, entry)
				end = len(out)
			}
		case "":
			out = append(out, entry)
		default:
			return &Error{fmt.Sprintf("patches[%d]", i), Taken(by)}
		}
	}
	if end < 0 {
		end = len(out)
	}
	var more []*yaml.Node
	for _, p := range want[next:] {
		more = append(more, p.Node())
	}
	list.Content = slices.Concat(out[:end], more, out[end:])
	if len(list.Content) > 0 {
		list.Style &^= yaml.FlowStyle
	}
	return nil
}

// Taken says that a patch is the work of another config, and what to do.
func Taken(owner string) string {
	return fmt.Sprintf("FluxTrust %q has added this patch; put further roots into its caBundle, or, if this config is to replace that one, give it the same metadata.name", quote.Name(owner))
}
