package transformer

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Target is what a Flux object connects to once the config has been applied.
type Target struct {
	// Kind, Namespace and Name of the object.
	Kind, Namespace, Name string
	// URL of the source, with the scheme https unless Skip says why not.
	URL *url.URL
	// Registry tells that URL is that of a repository in a container registry, Helm
	// that it has an index.yaml. Tag is the one that the object asks for, or "".
	Registry, Helm bool
	Tag            string
	// CA holds the certificates of its certSecretRef; CAAlone tells that its
	// controller then trusts nothing else.
	CA      []*x509.Certificate
	CAAlone bool
	// Pinned tells that its controller expects the name of URL's host everywhere.
	Pinned bool
	// Bundle tells that its controller trusts spec.caBundle.
	Bundle bool
	// Proxy of its proxySecretRef, with the credentials.
	Proxy *url.URL
	// Skip says why there is nothing to connect to, Problem what is wrong in the
	// stream, Note what could not be seen there. None of them names a secret value.
	Skip, Problem, Note string
}

// Targets applies a config to the resources of a stream and returns what its Flux
// objects connect to afterwards, and the certificates of the bundle. Where the
// outcome has failed there are none. The content of the bundle that is not known is
// left out; unknown says why.
func Targets(config *v1alpha1.FluxTrust, resources []Resource, now time.Time) (targets []Target, roots []*x509.Certificate, unknown string, outcome Outcome) {
	t := newTransform(config, resources, now)
	outcome = t.run(0)
	if outcome.Failed() {
		return nil, nil, "", outcome
	}
	roots, unknown = t.bundleCertificates()
	var after []Resource
	for _, item := range slices.Concat(outcome.Items, outcome.Added) {
		if item != nil {
			after = append(after, Resource{Node: item})
		}
	}
	t.providers = providersIn(after, t.report)
	for _, r := range after {
		if krm.CheckSize(r.Node) != nil {
			continue
		}
		for _, object := range fluxObjects(krm.Field{Node: r.Node.YNode()}) {
			targets = append(targets, t.target(object))
		}
	}
	return targets, roots, unknown, outcome
}

// bundleCertificates returns the known certificates that the controllers trust,
// and why others are not known.
func (t *transform) bundleCertificates() (roots []*x509.Certificate, unknown string) {
	if t.config.Spec.Mount.Method == v1alpha1.None || len(t.config.Spec.CABundle) == 0 {
		return nil, ""
	}
	if len(t.resolved) == 0 {
		t.roots(t.bundleNamespaces())
	}
	for _, r := range t.resolved {
		for _, c := range r.certificates {
			if !slices.ContainsFunc(roots, c.Equal) {
				roots = append(roots, c.Certificate)
			}
		}
		unknown = max(unknown, r.unknown)
	}
	return roots, unknown
}

// target says what an object connects to.
func (t *transform) target(object krm.Field) Target {
	target := Target{Kind: object.TextOr("kind"), Namespace: object.TextOr("metadata", "namespace"), Name: object.TextOr("metadata", "name")}
	o, err := readFluxObject(object)
	if err != nil {
		target.Problem = err.Error()
		return target
	}
	target.Bundle = t.config.Spec.Mount.Method != v1alpha1.None && t.includes(o.api.controller)
	target.CAAlone = o.kind == string(v1alpha1.Provider)
	target.Pinned = o.kind == string(v1alpha1.HelmRepository) && o.ref != "" && t.versions.below(o.api.controller, unpinned)
	target.Tag = object.TextOr("spec", "ref", "tag")
	if target.URL, target.Skip = o.connectsTo(); target.Skip != "" {
		return target
	}
	if target.URL == nil {
		target.Problem = "spec." + o.api.address + " has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"
		return target
	}
	target.Registry = o.kind == string(v1alpha1.ImageRepository) || o.scheme == "oci"
	target.Helm = o.kind == string(v1alpha1.HelmRepository) && !target.Registry
	t.readCA(o, &target)
	t.readProxy(o, &target)
	return target
}

// connectsTo returns the URL of an object, or why there is none. It returns neither
// where the API server would refuse the object.
func (o *fluxObject) connectsTo() (u *url.URL, skip string) {
	address := o.TextOr("spec", o.api.address)
	switch {
	case address == "" && o.kind == string(v1alpha1.Provider):
		return nil, "has no spec.address: it is in the Secret, or the provider needs none"
	case address == "":
		return nil, "has no spec." + o.api.address
	case strings.Contains(address, "${"):
		return nil, "spec." + o.api.address + " holds a ${…}, which Flux substitutes: probe what flux build kustomization prints"
	case o.host == "" && o.kind == string(v1alpha1.Provider): // such as the name of a project
		return nil, "spec." + o.api.address + " is no URL of a host"
	case o.host == "":
		return nil, ""
	}
	u = o.urlOf(address)
	if reason := o.withoutTLS(); reason != "" {
		return u, reason
	}
	if o.scheme != "https" && o.scheme != "oci" {
		return u, o.scheme + ":// is not HTTPS"
	}
	return u, ""
}

// urlOf returns the URL behind an address that names a host.
func (o *fluxObject) urlOf(address string) *url.URL {
	u := &url.URL{Scheme: "https", Host: o.host}
	switch {
	case o.kind == string(v1alpha1.ImageRepository):
		if first, rest, found := strings.Cut(address, "/"); found && strings.EqualFold(first, o.host) {
			address = rest
		} else if !found {
			address = "library/" + address // the official images of Docker Hub
		}
		u.Path = "/" + address
	case o.kind != string(v1alpha1.Bucket):
		if parsed, err := url.Parse(address); err == nil {
			u.Path, u.RawQuery = parsed.Path, parsed.RawQuery
		}
	}
	return u
}

// readCA finds the CA that an object has for itself.
func (t *transform) readCA(o *fluxObject, target *Target) {
	name, at := o.ref, "certSecretRef"
	if o.kind == gitRepository {
		name, at = o.TextOr("spec", "secretRef", "name"), "secretRef"
	}
	if name == "" {
		return
	}
	p, why := t.secretOf(o, name, v1alpha1.DefaultSecretKey, legacyCAKey)
	if why != "" {
		if at == "certSecretRef" {
			target.Note = fmt.Sprintf("the CA of Secret %s is not known (%s): probed without it", quote.Name(name), why)
			if target.CAAlone {
				target.Skip = fmt.Sprintf("the CA of Secret %s, which the controller trusts alone, is not known: %s", quote.Name(name), why)
			}
		}
		return
	}
	for _, key := range []string{v1alpha1.DefaultSecretKey, legacyCAKey} {
		v, ok := p.values[key]
		if !ok {
			continue
		}
		certificates, findings := bundle.Parse(v.text)
		for _, c := range certificates {
			target.CA = append(target.CA, c.Certificate)
		}
		if len(certificates) == 0 && len(findings) > 0 {
			target.Problem = fmt.Sprintf("Secret %s, key %s: %s", quote.Name(name), key, findings[0])
		}
		return
	}
}

// readProxy finds the proxy of an object:
// https://fluxcd.io/flux/components/source/gitrepositories/#proxy-secret-reference
func (t *transform) readProxy(o *fluxObject, target *Target) {
	name := o.TextOr("spec", "proxySecretRef", "name")
	address, user, password := o.TextOr("spec", "proxy"), "", "" // of a Provider
	if name != "" {
		p, why := t.secretOf(o, name, "address", "username", "password")
		if why != "" {
			target.Note = strings.TrimPrefix(fmt.Sprintf("%s; the proxy of Secret %s is not known (%s): probed without it", target.Note, quote.Name(name), why), "; ")
			return
		}
		address, user, password = string(p.values["address"].text), string(p.values["username"].text), string(p.values["password"].text)
		if address == "" {
			target.Problem = fmt.Sprintf("Secret %s has no key address, which proxySecretRef needs", quote.Name(name))
			return
		}
	}
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		target.Problem = "the address of its proxy is not a URL with http:// or https://"
		return
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	target.Proxy = u
}

// secretOf returns a Secret beside an object, or why some of its keys are not known.
func (t *transform) secretOf(o *fluxObject, name string, keys ...string) (*provider, string) {
	p := t.provider(secretKind, name, o.namespaces)
	switch {
	case p == nil:
		return nil, "it is not in the stream"
	case p.err != nil:
		return nil, "it cannot be read"
	case p.unknown != "":
		return nil, p.unknown
	}
	for _, key := range keys {
		v := p.values[key]
		if v.err != nil {
			return nil, "its key " + key + " is not base64"
		}
		if why := p.unknownValue(v); why != "" {
			return nil, why
		}
	}
	return p, ""
}
