package sources

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// legacyCAKey is the key of a certSecretRef before Flux 2.1.
const legacyCAKey = "caFile"

// Result is what became of the sources of a stream.
type Result struct {
	// Selected counts the sources that spec.sources selects, Changed those that were
	// changed, Released those that an earlier run had changed and that are no longer
	// selected.
	Selected, Changed, Released int
	// Secrets are those to provide.
	Secrets []Secret
	// Kept are Secrets of earlier runs that stay as they are.
	Kept []*inventory.Store
}

// Secret holds the certificates of the bundle.
type Secret struct {
	Namespace, Name string
	// Keys have the same content each.
	Keys []string
	PEM  string
}

// Bundles returns the CA bundle as it has been resolved, or resolves it; the findings
// are those of the latter.
type Bundles func() ([]trust.Bundle, krm.Findings)

// Apply sets certSecretRef on the sources that spec.sources selects, takes it away where
// an earlier run has set it and no entry selects the source any more, and says what
// hurts.
func Apply(i *inventory.Inventory, c *v1alpha1.FluxTrust, bundles Bundles, now time.Time) (Result, krm.Findings) {
	s := &step{
		inventory: i, config: c, bundles: bundles, now: now,
		wanted: map[string]int{}, missing: map[string]bool{}, checked: map[*inventory.Store]bool{},
	}
	s.bundlePEM = sync.OnceValues(s.readBundle)
	matched := map[int]bool{}
	for _, o := range i.Sources {
		s.apply(o, matched)
	}
	for _, from := range i.Installers {
		s.warnGit(from.OwnCA())
	}
	for at, entry := range c.Spec.Sources {
		if !matched[at] && len(entry.Kinds) > 0 {
			s.found.Add(krm.Warning, codes.SelectsNothing, trust.About(c), krm.At(fmt.Sprintf("spec.sources[%d]", at)), "selects no object of the stream")
		}
	}
	return s.result, s.found
}

// step is one pass over the sources.
type step struct {
	inventory *inventory.Inventory
	config    *v1alpha1.FluxTrust
	bundles   Bundles
	now       time.Time
	// bundlePEM is readBundle, once.
	bundlePEM func() (content, unknown string)
	// wanted are the positions of result.Secrets by namespace and name.
	wanted map[string]int
	// missing are the Secrets that cannot be made, checked those of others that were
	// looked at.
	missing map[string]bool
	checked map[*inventory.Store]bool
	result  Result
	found   krm.Findings
}

func (s *step) owner() string { return s.config.Metadata.Name }

// find returns the Secret of a name beside a source, or nil.
func (s *step) find(name string, namespaces []string) *inventory.Store {
	found, _ := s.inventory.Stores.Find(inventory.Secret, name, namespaces)
	return found
}

func (s *step) apply(o *inventory.Source, matched map[int]bool) {
	if o.Err != nil {
		if s.namesKind(o.API.Name) { // else it is somebody else's
			s.found.Fail(o.Object, o.Err)
		}
		return
	}
	entry := s.entryOf(o)
	if entry >= 0 {
		matched[entry] = true
		s.result.Selected++
		if newest := o.API.Newer(o.Version); newest != "" {
			s.found.Add(krm.Warning, codes.UnknownVersion, o.Object, krm.Difference{Path: "apiVersion", Current: o.Version},
				"%s is newer than this release of flux-trust knows, and is treated as %s; look for a newer flux-trust", quote.Word(o.Version), newest)
		}
	}
	edit := s.decide(o, entry)
	s.warnStatus(o)
	s.warnGit(o.OwnCA())
	if edit == nil {
		return
	}
	o.Object.Edit().CheckKeys()
	edit(o.Object.Edit())
	if err := o.Object.Err(); err != nil {
		s.found.Fail(o.Object, err)
	} else if o.Object.Changed() {
		s.result.Changed++
	}
}

// decide returns what happens to a source: nil is nothing.
func (s *step) decide(o *inventory.Source, entry int) func(krm.Field) {
	ours, reason := o.Owner == s.owner(), o.WithoutTLS()
	switch {
	case entry < 0 || reason != "":
		if reason != "" && entry >= 0 {
			s.found.Add(krm.Info, codes.LeftAlone, o.Object, krm.At("spec"), "is left alone: %s", reason)
		}
		if !ours {
			s.warn(o, o.Ref)
			return nil
		}
		s.found.Add(krm.Info, codes.TrustsSecretNoMore, o.Object, krm.At("spec.certSecretRef"), "is removed: an earlier run had set it, and spec.sources no longer selects the object")
		s.result.Released++
		return release
	case o.IsPatch():
		s.found.Add(krm.Warning, codes.KustomizePatch, o.Object, krm.Difference{},
			"looks like a kustomize patch (no spec.%s, or a $patch) and is left alone; run the function over the result of the build", o.API.Required)
		return nil
	case o.Ref != "" && !ours && !s.refersTo(o, entry):
		s.found.Add(krm.Warning, codes.OwnReference, o.Object, krm.Difference{Path: "spec.certSecretRef.name", Current: o.Ref},
			"has a certSecretRef of its own (%s) and is left alone; put the CA into that Secret, or remove the reference", quote.Name(o.Ref))
		s.warn(o, o.Ref)
		return nil
	default:
		return s.set(o, entry)
	}
}

// set refers a source to the Secret of an entry.
func (s *step) set(o *inventory.Source, entry int) func(krm.Field) {
	if provider := o.Object.Before.Peek("spec", "provider"); o.API.Name == flux.Bucket && provider != "" && provider != "generic" {
		s.found.Add(krm.Warning, codes.LeftAlone, o.Object, krm.Difference{Path: "spec.provider", Current: provider},
			"is left alone: a Bucket of the provider %s has no use for a certSecretRef, which is for generic alone", quote.Word(provider))
		return nil
	}
	if err := o.CheckField(s.inventory.Versions); err != nil {
		o.Object.Fail(err)
		return func(krm.Field) {} // which says it
	}
	name := s.want(o, s.config.Spec.Sources[entry].CertSecretRef.Name)
	s.warn(o, name)
	if o.Ref == name { // by an earlier run, or by its owner
		return nil
	}
	if o.Ref == "" || o.Owner != "" {
		s.found.Add(krm.Info, codes.TrustsSecret, o.Object, krm.Difference{Path: "spec.certSecretRef.name", Proposed: name}, "trusts the CA in Secret %s", quote.Name(name))
	}
	return func(object krm.Field) {
		object.Ensure("metadata", "annotations").PutText(v1alpha1.ConfigAnnotation, s.owner())
		object.Ensure("spec", "certSecretRef").PutText("name", name)
	}
}

// release takes away what an earlier run has set.
func release(object krm.Field) {
	meta := object.Get("metadata")
	meta.RemoveEmpty("annotations", meta.Get("annotations").Remove(v1alpha1.ConfigAnnotation))
	object.Get("spec").Remove("certSecretRef")
}

// namesKind reports whether an entry of the config is about a kind.
func (s *step) namesKind(kind string) bool {
	return slices.ContainsFunc(s.config.Spec.Sources, func(entry v1alpha1.Source) bool { return slices.Contains(entry.Kinds, v1alpha1.SourceKind(kind)) })
}

// entryOf returns the index of the first entry that selects a source, or -1.
func (s *step) entryOf(o *inventory.Source) int {
	return slices.IndexFunc(s.config.Spec.Sources, func(entry v1alpha1.Source) bool {
		if !slices.Contains(entry.Kinds, v1alpha1.SourceKind(o.API.Name)) {
			return false
		}
		if len(entry.Names) > 0 && !slices.ContainsFunc(o.Object.Names, func(name string) bool { return slices.Contains(entry.Names, name) }) {
			return false
		}
		selector, err := labels.Parse(entry.LabelSelector)
		if err != nil || !selector.Matches(labels.Set(o.Labels)) {
			return false
		}
		return len(entry.Hosts) == 0 || slices.ContainsFunc(entry.Hosts, func(glob string) bool { return matchesHost(glob, o.Host) })
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

// refersTo reports whether a source refers to the Secret of an entry already.
func (s *step) refersTo(o *inventory.Source, entry int) bool {
	want := s.config.Spec.Sources[entry].CertSecretRef.Name
	p := s.find(want, o.Object.Namespaces)
	return o.Ref == want || p != nil && slices.Contains(p.Object.Names, o.Ref)
}
