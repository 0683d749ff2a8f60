package sources

import (
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// want sees to it that the Secret of an entry exists beside a source, and returns its
// name. In a custom resource kustomize does not follow a name that it changes, so the
// name is the one that the Secret has now.
func (s *step) want(o *inventory.Source, name string) string {
	namespace := o.Object.Namespace()
	have := s.find(name, o.Object.Namespaces)
	if have != nil && have.Owner == s.owner() && !slices.Contains(o.Object.Namespaces, have.Object.Namespace()) {
		have = nil // made for another namespace
	}
	switch {
	case have == nil:
	case have.Owner == s.owner():
		name, namespace = have.Object.Name(), have.Object.Namespace()
	default:
		s.use(o, have)
		return have.Object.Name()
	}
	keys := []string{v1alpha1.DefaultSecretKey}
	if s.inventory.Versions.Below(o.API.Controller, o.API.CAKey) {
		keys = append(keys, legacyCAKey)
	}
	key := namespace + "/" + name
	if i, ok := s.wanted[key]; ok {
		w := &s.result.Secrets[i]
		w.Keys = slices.Compact(slices.Sorted(slices.Values(append(w.Keys, keys...))))
		return name
	}
	content, why := s.bundlePEM()
	if content == "" {
		s.reportUnknown(have, namespace, name, why)
		return name
	}
	s.wanted[key] = len(s.result.Secrets)
	s.result.Secrets = append(s.result.Secrets, Secret{Namespace: namespace, Name: name, Keys: keys, PEM: content})
	return name
}

// use looks at a Secret that is not the function's, and that a source is to trust.
func (s *step) use(o *inventory.Source, have *inventory.Store) {
	switch {
	case s.checked[have]:
		return
	case have.Err != nil:
		s.found.Fail(have.Object, have.Err)
	case have.Owner != "":
		s.found.Add(krm.Error, codes.AnotherConfig, have.Object, krm.At("metadata.annotations."+v1alpha1.ConfigAnnotation),
			"FluxTrust %q provides this Secret; write another certSecretRef.name", quote.Name(have.Owner))
	}
	s.checkType(o, have)
	if have.Hashed() {
		s.found.Add(krm.Warning, codes.NameChanges, have.Object, krm.Difference{}, "gets a hash suffix at the end of the build, and kustomize does not follow the name into certSecretRef by itself; "+
			"set disableNameSuffixHash: true on its generator, or give kustomize the nameReference of docs/sources.md")
	}
	s.check(have, true)
}

// checkType says that a controller does not read a Secret of its type.
func (s *step) checkType(o *inventory.Source, have *inventory.Store) {
	kind, controller := have.Object.Before.Peek("type"), o.API.Controller
	at := krm.Difference{Path: "type", Current: kind}
	switch limit := probe.Flux27(probe.Kind(o.API.Name)); {
	case probe.IsOpaque(kind):
	case s.inventory.Versions.Below(controller, limit):
		s.found.Add(krm.Error, codes.SecretType, have.Object, at, "is %s, and %s v%s (before v%s, Flux 2.7) reads a certSecretRef of the type Opaque or kubernetes.io/tls alone; make it anew with one of these, or upgrade Flux",
			quote.Key(kind), controller, s.inventory.Versions[controller], limit)
	case s.inventory.Versions[controller] == nil:
		s.found.Add(krm.Warning, codes.SecretType, have.Object, at, "is %s; before Flux 2.7 a certSecretRef must be of the type Opaque or kubernetes.io/tls, and %s is not in the stream: make it anew with one of these, unless Flux is newer",
			quote.Key(kind), controller)
	}
}

// reportUnknown says that a Secret cannot be made. It is said once per Secret.
func (s *step) reportUnknown(have *inventory.Store, namespace, name, why string) {
	key := namespace + "/" + name
	switch {
	case s.missing[key], why == "":
		return
	case have != nil:
		s.found.Add(krm.Warning, codes.SecretKept, have.Object, krm.Difference{}, "is kept as an earlier run has made it, because the content of spec.caBundle is not known now: %s", why)
		s.result.Kept = append(s.result.Kept, have)
	default:
		s.found.Add(krm.Warning, codes.SecretNotMade, krm.Reference("v1", inventory.Secret, namespace, name), krm.Difference{},
			"is not in the stream, and cannot be added because the content of spec.caBundle is not known (%s); create it before the sources need it, with the CA under %s", why, v1alpha1.DefaultSecretKey)
	}
	s.missing[key] = true
}

// readBundle returns the certificates of the bundle as a text, or why they are not
// known. Where the bundle cannot be used, which has its own findings, it returns
// neither.
func (s *step) readBundle() (content, unknown string) {
	if len(s.config.Spec.CABundle) == 0 {
		return "", "it is empty"
	}
	bundles, found := s.bundles()
	s.found = append(s.found, found...)
	for _, b := range bundles {
		if b.Unusable {
			return "", ""
		}
		if unknown = b.Unknown; unknown == "" {
			return b.PEM(), ""
		}
	}
	return "", unknown
}

// check looks at the CA in a Secret that the function has not made, once. Where the
// function itself refers to it, a bad one is an error.
func (s *step) check(have *inventory.Store, used bool) {
	if s.checked[have] || have.Err != nil || have.Unknown != "" {
		return
	}
	s.checked[have] = true
	key := v1alpha1.DefaultSecretKey
	if _, ok := have.Values[key]; !ok {
		key = legacyCAKey
	}
	v, ok := have.Values[key]
	switch {
	case !ok && have.Values["tls.crt"].Path == "" && have.Values["certFile"].Path == "":
		s.found.Add(krm.Warning, codes.SecretWithoutCA, have.Object, krm.At("data"), "has no key %s, for which Flux looks in a certSecretRef; it has %s", v1alpha1.DefaultSecretKey, trust.KeysOf(have))
	case !ok: // a client certificate alone
	case v.Err != nil:
		s.found.Add(krm.Warning, codes.BadBase64, have.Object, krm.At(v.Path), inventory.NotBase64)
	case have.UnknownValue(v) == "":
		certificates, findings := bundle.Parse(v.Text)
		for _, f := range append(findings, bundle.Check(certificates, s.now)...) {
			severity := krm.Warning
			if used && f.Fatal() {
				severity = krm.Error
			}
			s.found.Add(severity, krm.Code(f.Code), have.Object, krm.At(v.Path), "%s", f)
		}
	}
}
