package installer

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// each stands in the keys of flux.Installer.Patches for the entries of a list.
const each = "[]"

// Apply makes the function's own patches in an object those that are made, behind
// copies of others that they would hide, and reports whether there were any. Patches of
// others stay as they are, in their order.
func Apply(i *inventory.Installer, copies []any, made []patches.Patch, s trust.Settings) (owned bool, found krm.Findings) {
	root := i.Object.Edit()
	lists := listsIn(root, i.Kind.Patches)
	own := ownPatch(s)
	at := slices.IndexFunc(lists, func(list krm.Field) bool {
		return slices.ContainsFunc(list.Loose().Items("patches"), func(item krm.Field) bool { return patches.Owner(item.Peek("patch")) == s.Owner })
	})
	owned = at >= 0
	at = max(at, 0)
	switch {
	case len(made) == 0:
	case len(lists) == 0 || !owned && slices.Contains(i.Kind.Patches, each): // a list of its own
		at = len(lists)
		lists = append(lists, newList(root, i.Kind.Patches))
	case !lists[at].Exists():
		lists[at] = newList(root, i.Kind.Patches)
	}
	for n, list := range lists {
		var want []any
		if n == at && len(made) > 0 {
			want = slices.Clone(copies)
			for _, p := range made {
				want = append(want, p.Node())
			}
		}
		list.Reconcile("patches", own, want)
	}
	if owned && len(made) == 0 {
		prune(root, i.Kind.Patches)
	}
	if len(made) > 0 && i.Object.Err() == nil {
		found = append(conflicts(i, lists, &s), chartEnv(i, s.ManagedEnv())...)
	}
	tell(&found, i, made)
	return owned, found
}

// tell says what was changed.
func tell(found *krm.Findings, i *inventory.Installer, made []patches.Patch) {
	path, _, listed := strings.Cut(strings.Join(i.Kind.Patches, "."), "."+each)
	if !listed {
		path += ".patches"
	}
	switch {
	case i.Object.Err() != nil || !i.Object.Changed():
	case len(made) > 0:
		var names []string
		for _, p := range made {
			names = append(names, quote.Each(quote.Name, p.Names)...)
		}
		found.Add(krm.Info, codes.Patches, i.Object, krm.At(path), "patches the controllers that it installs: %s", strings.Join(names, ", "))
	default:
		found.Add(krm.Info, codes.PatchesNoLonger, i.Object, krm.At(path), "no longer patches the controllers that it installs")
	}
}

// listsIn returns the mappings in which lists of patches stand.
func listsIn(root krm.Field, keys []string) []krm.Field {
	at := slices.Index(keys, each)
	if at < 0 {
		return []krm.Field{root.Get(keys...)}
	}
	var found []krm.Field
	for _, entry := range root.Items(keys[:at]...) {
		found = append(found, entry.Get(keys[at+1:]...))
	}
	return found
}

// newList returns the mapping that new patches go into.
func newList(root krm.Field, keys []string) krm.Field {
	at := slices.Index(keys, each)
	if at < 0 {
		return root.Ensure(keys...)
	}
	list := root.Ensure(keys[:at-1]...).EnsureList(keys[at-1])
	list.Add(&yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap})
	entries := list.Items()
	if len(entries) == 0 { // after an error
		return list
	}
	return entries[len(entries)-1].Ensure(keys[at+1:]...)
}

// prune removes what the function's patches have left empty.
func prune(root krm.Field, keys []string) {
	at, last := slices.Index(keys, each), keys[len(keys)-1]
	if at < 0 {
		for n := len(keys) - 1; n > 0; n-- {
			root.Get(keys[:n]...).RemoveEmpty(keys[n], true)
		}
		return
	}
	list := root.Get(keys[:at]...)
	for _, entry := range list.Items() {
		entry.RemoveEmpty(last, true)
		if len(entry.Node.Content) == 0 {
			list.RemoveEntry(entry)
		}
	}
	root.Get(keys[:at-1]...).RemoveEmpty(keys[at-1], true)
}

// ownPatch reports whether an entry is the function's own. That of another config is
// an error, unless everything is to be taken back.
func ownPatch(s trust.Settings) func(entry krm.Field) bool {
	return func(entry krm.Field) bool {
		owner := patches.Owner(entry.Text("patch"))
		if owner != "" && owner != s.Owner && !s.Nothing() {
			entry.Fail(codes.AnotherConfig, "%s", patches.Taken(owner))
		}
		return owner == s.Owner
	}
}

// conflicts warns of patches of others that undo the function's, or that the
// function's undo.
func conflicts(i *inventory.Installer, lists []krm.Field, s *trust.Settings) krm.Findings {
	var found krm.Findings
	behind, env := false, s.ManagedEnv()
	for _, list := range lists {
		for _, item := range list.Items("patches") {
			body := item.Peek("patch")
			if patches.Owner(body) != "" {
				behind = true
			} else if problem := conflict(item, body, behind, env); problem != "" {
				found.Add(krm.Warning, codes.PatchConflict, i.Object, krm.At(item.Path+".patch"), "%s", problem)
			} else if what := weakened(body); what != "" && judged(&s.Security) && patchesControllers(item) {
				found.Add(krm.Warning, codes.PatchConflict, i.Object, krm.At(item.Path+".patch"),
					"undoes what the profile Restricted asks for (%s), and nothing here shows the pods that come of it; take it out, or set spec.securityContext.profile: None", what)
			}
		}
	}
	return found
}

// wholeOrCounted matches JSON patches that replace a list, or count its entries.
// Those that a strategic merge adds come first.
var wholeOrCounted = pattern.Pattern{Text: `path: *["']?/spec/template/spec/(volumes|(containers/\d+/)(env|volumeMounts))(/\d+\b|["']?\s*$)`}

// patchesControllers reports whether a patch may be one of a controller.
func patchesControllers(item krm.Field) bool {
	kind := item.Peek("target", "kind")
	return kind == "" || kind == string(v1alpha1.Deployment)
}

// conflict says why a patch of somebody else does not go together with the
// function's, or is "".
func conflict(item krm.Field, body string, behind bool, env []string) string {
	if !patchesControllers(item) {
		return ""
	}
	for _, name := range env {
		if strings.Contains(body, name) {
			return fmt.Sprintf("sets %s, too, and the later patch wins; take it out, and name %s", name, trust.Instead(name))
		}
	}
	for line := range strings.Lines(body) {
		if behind && wholeOrCounted.Get().MatchString(line) {
			return fmt.Sprintf("%q replaces a list, or counts its entries, behind the patch of flux-trust, whose entries come first; move it before that", wholeOrCounted.Get().FindString(line))
		}
	}
	return ""
}
