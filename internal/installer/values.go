package installer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// copied stands in the second line of a patch that was copied from values elsewhere,
// behind the one that says whose work it is.
const copied = "# copied from "

// valuesKey is where a ConfigMap or Secret holds values, unless the release says it:
// https://fluxcd.io/flux/components/helm/helmreleases/#values-references
const valuesKey = "values.yaml"

// Copies returns the patches that a HelmRelease gets from spec.valuesFrom, marked as
// work of the owner. Helm merges maps of values and replaces lists: a list in
// spec.values hides the others. So theirs are put in front of the function's. Where it
// cannot be known whether there are some, the object fails; where an earlier run has
// known it, its copies stay.
func Copies(i *inventory.Installer, stores *inventory.Stores, owner string) ([]any, krm.Findings) {
	var found krm.Findings
	if len(i.Kind.Patches) < 2 || i.Kind.Patches[1] != "values" {
		return nil, nil // its patches are no values
	}
	users, earlier, old := ownEntries(i, owner)
	if users {
		return nil, nil // which hide the others as it is
	}
	none := !earlier && i.Object.Before.Loose().Get(i.Kind.Patches...).Get("patches").Exists()
	var list []any
	for _, ref := range i.Object.Before.Items("spec", "valuesFrom") {
		entries, unknown := listOf(i, ref, stores, owner)
		switch {
		case unknown == "" && none && len(entries) > 0:
			fail(i, ref, "holds patches that the empty list in spec.values.instance.kustomize.patches hides; take one of the two out")
		case unknown == "" || none: // an empty list says that there are none
		case earlier:
			found.Add(krm.Warning, codes.Unchecked, i.Object, krm.At(ref.Path), "%s: its patches stay as an earlier run has copied them", unknown)
			return old, found
		default:
			fail(i, ref, "may hold a list instance.kustomize.patches, which that of flux-trust would hide: Helm replaces lists; and %s; put the object into the stream, "+
				"or move its patches into spec.values.instance.kustomize.patches, where an empty list says that there are none", unknown)
		}
		if entries != nil {
			list = entries
		}
	}
	return list, found
}

// ownEntries reports whether the list of patches is the user's, or of an earlier run,
// and returns the entries that this has copied.
func ownEntries(i *inventory.Installer, owner string) (users, earlier bool, old []any) {
	list := i.Object.Before.Loose().Get(i.Kind.Patches...).Get("patches")
	entries := list.Items()
	for _, entry := range entries {
		body := entry.Peek("patch")
		if patches.Owner(body) != owner {
			return true, false, nil
		}
		if _, rest, _ := strings.Cut(body, "\n"); strings.HasPrefix(rest, copied) {
			old = append(old, entry.Node)
		}
	}
	return false, len(entries) > 0, old
}

// listOf returns the patches in what an entry of spec.valuesFrom names, or nil, or why
// they are not known.
func listOf(i *inventory.Installer, ref krm.Field, stores *inventory.Stores, owner string) (list []any, unknown string) {
	if target := ref.Text("targetPath"); target != "" {
		if path := strings.Join(i.Kind.Patches[2:], "."); strings.HasPrefix(path+".", target+".") || strings.HasPrefix(target, path) {
			fail(i, ref, "sets %s, which the list of flux-trust would replace; move its patches into spec.values.instance.kustomize.patches", target)
		}
		return nil, ""
	}
	kind, name, key := ref.Text("kind"), ref.Text("name"), ref.Text("valuesKey")
	if key == "" {
		key = valuesKey
	}
	what := fmt.Sprintf("%s %s, key %s", kind, quote.Name(name), quote.Key(key))
	s, _ := stores.Find(kind, name, i.Object.Namespaces)
	if s == nil {
		return nil, what + ", is not in the stream"
	}
	v := s.Values[key]
	if unknown := cmp.Or(s.Unknown, s.UnknownValue(v)); unknown != "" {
		return nil, what + ", cannot be read: " + unknown
	}
	values, err := yaml.Parse(string(v.Text))
	if err != nil || yaml.IsMissingOrNull(values) {
		return nil, "" // Helm says what is wrong with it
	}
	n, err := values.Pipe(yaml.Lookup(append(slices.Clone(i.Kind.Patches[2:]), "patches")...))
	if err != nil || n == nil || n.YNode().Kind != yaml.SequenceNode {
		return nil, ""
	}
	if kind == inventory.Secret && len(n.Content()) > 0 {
		fail(i, ref, "%s, holds a list instance.kustomize.patches, which that of flux-trust would hide: Helm replaces lists, and a Secret is not repeated; move it into spec.values.instance.kustomize.patches", what)
		return nil, ""
	}
	list = []any{}
	for _, entry := range n.Content() {
		list = append(list, marked(entry, owner, what))
	}
	return list, ""
}

func fail(i *inventory.Installer, ref krm.Field, format string, args ...any) {
	i.Object.Fail(&krm.FieldError{Code: codes.HidesPatches, Path: ref.Path, Message: fmt.Sprintf(format, args...)})
}

// marked returns a patch with the lines that say whose work it is, and where it comes
// from.
func marked(entry *yaml.Node, owner, from string) *yaml.Node {
	work := yaml.CopyYNode(entry)
	for at := 0; at+1 < len(work.Content); at += 2 {
		if work.Content[at].Value == "patch" {
			value := work.Content[at+1]
			value.Value, value.Style = patches.Mark(owner)+copied+from+"\n"+value.Value, yaml.LiteralStyle
		}
	}
	return work
}
