package transformer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
)

// above returns the keys of the mapping above the list of patches, or above that
// of post-renderers, each of which has a list of its own.
func (h *holder) above() []string {
	if h.chart == fluxInstanceChart {
		return []string{"spec", "values", "instance"}
	}
	return []string{"spec"}
}

func (h *holder) listPath() string {
	if h.chart == flux2Chart {
		return "spec.postRenderers"
	}
	return strings.Join(h.above(), ".") + ".kustomize.patches"
}

// lists returns the mappings "kustomize", in which the patches stand.
func (h *holder) lists() ([]krm.Field, error) {
	parents := []krm.Field{}
	if h.chart == flux2Chart {
		renderers, err := h.EntriesE("spec", "postRenderers")
		if err != nil {
			return nil, err
		}
		parents = renderers
	} else {
		parent, err := h.AtE(h.above()...)
		if err != nil {
			return nil, err
		}
		parents = append(parents, parent)
	}
	for i, parent := range parents {
		list, err := parent.GetE("kustomize")
		if err != nil {
			return nil, err
		}
		parents[i] = list
	}
	return parents, nil
}

// newList returns the mapping that new patches go into.
func (h *holder) newList(e *krm.Editor) (krm.Field, error) {
	if h.chart != flux2Chart {
		return e.EnsureE(h.Field, append(h.above(), "kustomize")...)
	}
	spec, err := h.GetE("spec")
	if err != nil {
		return krm.Field{}, err
	}
	renderers, err := e.EnsureListE(spec, "postRenderers")
	if err != nil {
		return krm.Field{}, err
	}
	renderer := krm.Field{Path: fmt.Sprintf("%s[%d]", renderers.Path, len(renderers.Node.Content)), Node: &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}}
	renderers.Node.Style &^= krm.FlowIfEmpty(renderers.Node)
	renderers.Node.Content = append(renderers.Node.Content, renderer.Node)
	return e.EnsureE(renderer, "kustomize")
}

// reconcilePatches makes the function's own entries those that are wanted, and
// tells whether there were any. All others stay as they are, in their order.
func (t *transform) reconcilePatches(h *holder, e *krm.Editor, made []patches.Patch) (bool, error) {
	lists, err := h.lists()
	if err != nil {
		return false, err
	}
	owned := slices.IndexFunc(lists, func(list krm.Field) bool {
		items, err := list.EntriesE("patches")
		return err == nil && slices.ContainsFunc(items, func(item krm.Field) bool {
			return patches.Owner(item.TextOr("patch")) == t.config.Metadata.Name
		})
	})
	at := max(owned, 0)
	switch {
	case len(made) == 0:
	case len(lists) == 0 || owned < 0 && h.chart == flux2Chart:
		at = len(lists)
		lists = append(lists, krm.Field{})
		fallthrough
	case !lists[at].Exists():
		if lists[at], err = h.newList(e); err != nil {
			return false, err
		}
	}
	for i, list := range lists {
		var want []any
		for _, p := range made {
			if i == at {
				want = append(want, p.Node())
			}
		}
		if err := e.ReconcileListE(list, "patches", t.ownPatch, want); err != nil {
			return false, err
		}
	}
	if owned >= 0 && len(made) == 0 {
		err = h.prune(e)
	}
	return owned >= 0, err
}

// ownPatch tells whether an entry is the function's own.
func (t *transform) ownPatch(entry krm.Field) (bool, error) {
	body, err := entry.TextAtE("patch")
	if err != nil {
		return false, err
	}
	owner := patches.Owner(body)
	if owner != "" && owner != t.config.Metadata.Name && t.config.Spec.Mount.Method != v1alpha1.None {
		return false, entry.Errorf("%s", patches.Taken(owner))
	}
	return owner == t.config.Metadata.Name, nil
}

// prune removes what the function's patches have left empty.
func (h *holder) prune(e *krm.Editor) error {
	if h.chart != flux2Chart {
		parent, err := h.AtE(h.above()...)
		if err == nil {
			e.RemoveEmpty(parent, "kustomize", true)
		}
		return err
	}
	spec, err := h.GetE("spec")
	if err != nil {
		return err
	}
	list, err := spec.GetE("postRenderers")
	if err != nil {
		return err
	}
	renderers, err := list.ItemsE()
	if err != nil {
		return err
	}
	for _, r := range renderers {
		e.RemoveEmpty(r, "kustomize", true)
		if len(r.Node.Content) == 0 {
			list.Node.Content = slices.DeleteFunc(list.Node.Content, func(n *yaml.Node) bool { return n == r.Node })
		}
	}
	e.RemoveEmpty(spec, "postRenderers", true)
	return nil
}

// reportOthers warns of patches of others that undo the function's, or that the
// function's undo.
func (h *holder) reportOthers(report krm.Report) error {
	lists, err := h.lists()
	if err != nil {
		return err
	}
	behind := false
	for _, list := range lists {
		items, err := list.EntriesE("patches")
		if err != nil {
			return err
		}
		for _, item := range items {
			body := item.TextOr("patch")
			if patches.Owner(body) != "" {
				behind = true
				continue
			}
			if problem := conflict(item, body, behind); problem != "" {
				report.Add(framework.Warning, krm.Change{Path: item.Path + ".patch"}, "%s", problem)
			}
		}
	}
	return nil
}

// wholeOrCounted matches JSON patches that replace a list, or count its entries.
// Those that a strategic merge adds come first.
var wholeOrCounted = regexp.MustCompile(`path: *["']?/spec/template/spec/(volumes|(containers/\d+/)(env|volumeMounts))(/\d+\b|["']?\s*$)`)

// conflict says why a patch of somebody else does not go together with the
// function's, or "".
func conflict(item krm.Field, body string, behind bool) string {
	if kind := item.TextOr("target", "kind"); kind != "" && kind != string(v1alpha1.Deployment) {
		return ""
	}
	for _, name := range managedEnv() {
		if strings.Contains(body, name) {
			return fmt.Sprintf("sets %s, too, and the later patch wins; take it out, and name its roots under spec.caBundle", name)
		}
	}
	for line := range strings.Lines(body) {
		if behind && wholeOrCounted.MatchString(line) {
			return fmt.Sprintf("%q replaces a list, or counts its entries, behind the patch of flux-trust, whose entries come first; move it before that", wholeOrCounted.FindString(line))
		}
	}
	return ""
}
