package sources

import (
	"cmp"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// unpinned is the first source-controller that does not pin the name of the TLS
// server to the host of a HelmRepository with a certSecretRef:
// https://github.com/fluxcd/flux2/issues/5477
const unpinned = "1.7.0"

// verified is the first source-controller that fetches the signatures of cosign with the
// CA of certSecretRef.
const verified = "1.9.0"

// isPinned reports whether the controller of a source expects the name of its host
// from every server.
func isPinned(o *inventory.Source, v flux.Versions) bool {
	return o.API.Name == flux.HelmRepository && v.Below(o.API.Controller, unpinned)
}

// warn says what a certSecretRef does beside what it is for.
func (s *step) warn(o *inventory.Source, ref string) {
	if ref == "" {
		return
	}
	at := krm.Difference{Path: "spec.certSecretRef", Current: ref}
	if isPinned(o, s.inventory.Versions) {
		s.found.Add(krm.Warning, codes.ServerNamePinned, o.Object, at, "source-controller v%s (before v%s, Flux 2.7) expects the name %s from every host that the charts come from, which fails with %q when they are elsewhere; "+
			"upgrade Flux, or remove certSecretRef: with spec.caBundle the controller trusts the CA for every source",
			s.inventory.Versions[o.API.Controller], unpinned, cmp.Or(quote.Host(o.Host), "the host of its URL"), "certificate is valid for …, not …")
	}
	if verify := o.Object.Before.Loose().Get("spec", "verify"); verify.Exists() && o.API.Name == flux.OCIRepository && s.inventory.Versions.Below(o.API.Controller, verified) {
		s.found.Add(krm.Warning, codes.VerifiedWithoutCA, o.Object, krm.At(verify.Path), "source-controller v%s (before v%s, Flux 2.9) fetches signatures without certSecretRef, and fails where the registry is behind that CA alone; "+
			"upgrade Flux, or trust the CA by spec.caBundle: the controller then trusts it for every connection", s.inventory.Versions[o.API.Controller], verified)
	}
	if o.API.Name == flux.HelmRepository && o.Scheme == "oci" {
		s.found.Add(krm.Warning, codes.NoStatus, o.Object, at, "a HelmRepository of type oci has no status, so a TLS error shows in the HelmChart alone; an OCIRepository shows it itself")
	}
	if o.API.Name == flux.Provider {
		s.found.Add(krm.Warning, codes.TrustsSecretAlone, o.Object, at, "notification-controller trusts the CA in this Secret alone, without the public roots and without spec.caBundle; "+
			"the Secret must hold every root that the host and a proxy before it need")
	}
	s.warnSecret(o, ref)
}

// warnSecret says what is wrong with a Secret that a source refers to.
func (s *step) warnSecret(o *inventory.Source, ref string) {
	if _, ok := s.wanted[o.Object.Namespace()+"/"+ref]; ok {
		return
	}
	if have := s.find(ref, o.Object.Namespaces); have != nil {
		if have.Owner == s.owner() { // another source refers to it as well
			s.want(o, ref)
		} else {
			s.check(have, false)
		}
		return
	}
	if elsewhere := s.find(ref, []string{""}); elsewhere != nil {
		s.found.Add(krm.Warning, codes.SecretElsewhere, o.Object, krm.Difference{Path: "spec.certSecretRef.name", Current: ref},
			"the stream has Secret %s in namespace %s, and an object of namespace %s cannot refer to it there; it is needed in %[3]s as well",
			quote.Name(ref), quote.Name(elsewhere.Object.Namespace()), quote.Name(o.Object.Namespace()))
	}
}

// warnStatus says that the CA of a Provider that writes the status of a commit is kept
// apart from the bundle.
func (s *step) warnStatus(o *inventory.Source) {
	ref := o.Object.Before.Peek("spec", "secretRef", "name")
	if o.API.Name != flux.Provider || !probe.SetsCommitStatus(o.Object.Before.Peek("spec", "type")) || ref == "" {
		return
	}
	own := inventory.OwnCA{Object: o.Object, Path: "spec.secretRef.name", Namespaces: o.Object.Namespaces, Name: ref, Credentials: true}
	s.warnOwnCA(own, []string{v1alpha1.DefaultSecretKey},
		"Secret %s holds a CA beside the token (%s), and notification-controller trusts that alone, without the public roots and without spec.caBundle; put every root into it that the host and a proxy before it need, or remove the key")
}

// warnGit says that the CA of a Git repository is kept apart from the bundle.
func (s *step) warnGit(own inventory.OwnCA, ok bool) {
	if ok && own.Credentials {
		s.warnOwnCA(own, []string{v1alpha1.DefaultSecretKey, legacyCAKey},
			"Secret %s holds a CA of its own beside the credentials (%s), as flux bootstrap --ca-file leaves it; source-controller trusts it beside the bundle, whose changes do not reach it: put the next root in as well, or remove the key, since the controllers trust the bundle")
	}
}

// warnOwnCA warns of a Secret of the stream that has one of some keys.
func (s *step) warnOwnCA(own inventory.OwnCA, keys []string, format string) {
	have := s.find(own.Name, own.Namespaces)
	if have == nil || have.Err != nil {
		return
	}
	for _, key := range keys {
		if _, ok := have.Values[key]; ok {
			s.found.Add(krm.Warning, codes.SeparateCA, own.Object, krm.Difference{Path: own.Path, Current: own.Name}, format, quote.Name(own.Name), key)
			s.check(have, false)
			return
		}
	}
}
