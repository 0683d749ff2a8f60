package transformer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// legacyCAKey is the key of a certSecretRef before Flux 2.1.
const legacyCAKey = "caFile"

// sources sets certSecretRef on the Flux objects that spec.sources selects, takes
// it away where an earlier run has set it and no entry selects the object any
// more, and says what hurts.
func (t *transform) sources(resources []Resource) {
	matched := map[int]bool{}
	for i, r := range resources {
		if krm.CheckSize(r.Node) != nil {
			continue
		}
		for n, object := range fluxObjects(krm.Field{Node: r.Node.YNode()}) {
			report := t.report.Of(object, r.File)
			edit, err := t.source(object, report, matched)
			if err == nil && edit != nil {
				err = t.editSource(i, n, r, report, edit)
			}
			if err != nil {
				report.Fail(err)
			}
		}
	}
	for i := range t.config.Spec.Sources {
		if !matched[i] && len(t.config.Spec.Sources[i].Kinds) > 0 {
			t.configReport().Add(framework.Warning, krm.Change{Path: fmt.Sprintf("spec.sources[%d]", i)}, "selects no object of the stream")
		}
	}
}

// editSource applies an edit to a copy of a resource, to its n-th Flux object.
func (t *transform) editSource(i, n int, r Resource, report krm.Report, edit func(*krm.Editor, krm.Field) error) error {
	work := t.outcome.Items[i]
	if work == r.Node {
		var err error
		if work, err = krm.Prepare(r.Node); err != nil {
			return err
		}
	}
	object := fluxObjects(krm.Field{Node: work.YNode()})[n]
	if err := krm.CheckKeys(object); err != nil {
		return err
	}
	e := t.editor(report)
	if err := edit(e, object); err != nil {
		return err
	}
	if e.Changed {
		t.outcome.Items[i] = work
		t.outcome.SourcesChanged++
	}
	return nil
}

// source decides what happens to a Flux object: nil is nothing.
func (t *transform) source(object krm.Field, report krm.Report, matched map[int]bool) (func(*krm.Editor, krm.Field) error, error) {
	o, err := readFluxObject(object)
	if err != nil {
		if t.namesKind(object.TextOr("kind")) {
			return nil, err
		}
		return nil, nil // somebody else's
	}
	defer t.warnGit(o, report)
	entry := t.sourceEntry(o)
	if entry >= 0 {
		matched[entry] = true
		t.outcome.Sources++
	}
	ours := o.owner == t.config.Metadata.Name
	reason := o.withoutTLS()
	switch {
	case entry < 0 || reason != "":
		if reason != "" && entry >= 0 {
			report.Add(framework.Info, krm.Change{Path: "spec"}, "is left alone: %s", reason)
		}
		if !ours {
			t.warnSource(o, o.ref, report)
			return nil, nil
		}
		report.Did(framework.Info, krm.Change{Path: "spec.certSecretRef"}, "is removed: an earlier run had set it, and spec.sources no longer selects the object")
		t.outcome.SourcesReleased++
		return releaseSource, nil
	case o.isPatch():
		report.Add(framework.Warning, krm.Change{}, "looks like a kustomize patch (no spec.%s, or a $patch) and is left alone; run the function over the result of the build", o.api.required)
		return nil, nil
	case o.ref != "" && !ours && !t.refersTo(o, entry):
		report.Add(framework.Warning, krm.Change{Path: "spec.certSecretRef.name", Current: o.ref},
			"has a certSecretRef of its own (%s) and is left alone; put the CA into that Secret, or remove the reference", quote.Name(o.ref))
		t.warnSource(o, o.ref, report)
		return nil, nil
	}
	return t.setSource(o, entry, report)
}

// setSource refers an object to the Secret of an entry.
func (t *transform) setSource(o *fluxObject, entry int, report krm.Report) (func(*krm.Editor, krm.Field) error, error) {
	if provider := o.TextOr("spec", "provider"); o.kind == string(v1alpha1.Bucket) && provider != "" && provider != "generic" {
		report.Add(framework.Warning, krm.Change{Path: "spec.provider", Current: provider}, "is left alone: a Bucket of the provider %s has no use for a certSecretRef, which is for generic alone", quote.Word(provider))
		return nil, nil
	}
	if err := o.checkField(t.versions); err != nil {
		return nil, err
	}
	name := t.wantSecret(o, t.config.Spec.Sources[entry].CertSecretRef.Name)
	t.warnSource(o, name, report)
	if o.ref == name { // by an earlier run, or by its owner
		return nil, nil
	}
	if o.ref == "" || o.owner != "" {
		report.Did(framework.Info, krm.Change{Path: "spec.certSecretRef.name", Proposed: name}, "trusts the CA in Secret %s", name)
	}
	return func(e *krm.Editor, object krm.Field) error {
		annotations, err := e.EnsureE(object, "metadata", "annotations")
		if err != nil {
			return err
		}
		if have, err := annotations.TextAtE(configAnnotation); err != nil {
			return err
		} else if have != t.config.Metadata.Name {
			e.PutText(annotations, configAnnotation, t.config.Metadata.Name)
		}
		ref, err := e.EnsureE(object, "spec", "certSecretRef")
		if err != nil {
			return err
		}
		e.PutText(ref, "name", name)
		return nil
	}, nil
}

// releaseSource takes away what an earlier run has set.
func releaseSource(e *krm.Editor, object krm.Field) error {
	meta, err := object.GetE("metadata")
	if err != nil {
		return err
	}
	annotations, err := meta.GetE("annotations")
	if err != nil {
		return err
	}
	e.RemoveEmpty(meta, "annotations", e.Remove(annotations, configAnnotation))
	spec, err := object.GetE("spec")
	if err != nil {
		return err
	}
	e.Remove(spec, "certSecretRef")
	return nil
}

// namesKind tells whether an entry of the config is about a kind.
func (t *transform) namesKind(kind string) bool {
	return slices.ContainsFunc(t.config.Spec.Sources, func(s v1alpha1.Source) bool { return slices.Contains(s.Kinds, v1alpha1.SourceKind(kind)) })
}

// sourceEntry returns the index of the first entry that selects an object, or -1.
func (t *transform) sourceEntry(o *fluxObject) int {
	return slices.IndexFunc(t.config.Spec.Sources, func(s v1alpha1.Source) bool {
		if !slices.Contains(s.Kinds, v1alpha1.SourceKind(o.kind)) {
			return false
		}
		if len(s.Names) > 0 && !slices.ContainsFunc(o.names, func(name string) bool { return slices.Contains(s.Names, name) }) {
			return false
		}
		selector, err := labels.Parse(s.LabelSelector)
		if err != nil || !selector.Matches(labels.Set(o.labels)) {
			return false
		}
		return len(s.Hosts) == 0 || slices.ContainsFunc(s.Hosts, func(glob string) bool { return matchesHost(glob, o.host) })
	})
}

// matchesHost holds a host against a glob, with its port when the glob has one.
func matchesHost(glob, host string) bool {
	if host == "" {
		return false
	}
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') && !strings.Contains(glob, ":") {
		host = host[:colon]
	}
	ok, err := path.Match(strings.ToLower(glob), host)
	return ok && err == nil
}

// refersTo tells whether an object refers to the Secret of an entry already.
func (t *transform) refersTo(o *fluxObject, entry int) bool {
	want := t.config.Spec.Sources[entry].CertSecretRef.Name
	p := t.provider(secretKind, want, o.namespaces)
	return o.ref == want || p != nil && slices.Contains(p.names, o.ref)
}
