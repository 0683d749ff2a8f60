package inventory

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Source is a Flux object that opens connections.
type Source struct {
	Object *krm.Object
	// API is the row of its kind, Version that of its apiVersion.
	API     flux.Kind
	Version string
	Labels  map[string]string
	// Ref is spec.certSecretRef.name, Owner the FluxTrust that has set it.
	Ref, Owner string
	// Address is its URL or host, as written.
	Address string
	// Scheme and Host (with its port) of what it connects to, in lower case; "" for
	// what cannot be known.
	Scheme, Host string
	// Err says why it cannot be read.
	Err error
}

// sourceOf returns the source that an object is, or nil.
func sourceOf(o *krm.Object) *Source {
	api, ok := flux.KindOf(o.Group(), o.Kind())
	if !ok {
		return nil
	}
	s := &Source{Object: o, API: api, Err: o.Err()}
	_, s.Version, _ = strings.Cut(o.Before.Peek("apiVersion"), "/")
	root, errs := o.Before.Aside()
	s.Labels = root.Texts("metadata", "labels")
	s.Owner = root.Text("metadata", "annotations", v1alpha1.ConfigAnnotation)
	s.Ref = root.Text("spec", "certSecretRef", "name")
	s.Address = root.Text("spec", api.Address)
	s.Scheme, s.Host = endpoint(api.Name, s.Address)
	if s.Err == nil {
		s.Err = errs.Err()
	}
	return s
}

// endpoint returns the scheme and the host of an address.
func endpoint(kind, address string) (scheme, host string) {
	if address == "" || strings.Contains(address, "${") {
		return "", ""
	}
	switch kind {
	case flux.ImageRepository:
		// https://pkg.go.dev/github.com/distribution/reference: the first segment is
		// a host when it looks like one.
		host, rest, _ := strings.Cut(address, "/")
		if rest == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
			host = "index.docker.io"
		}
		return "https", strings.ToLower(host)
	case flux.Bucket:
		if !strings.Contains(address, "://") {
			address = "https://" + address
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", ""
	}
	return strings.ToLower(u.Scheme), strings.ToLower(u.Host)
}

// WithoutTLS says why the source opens no TLS connection, or is "".
func (s *Source) WithoutTLS() string {
	on := s.Object.Before.Loose().Boolean("spec", "insecure")
	// On a HelmRepository it counts for registries alone.
	if on != nil && on.Value && (s.API.Name != flux.HelmRepository || s.Scheme == "oci") {
		return "insecure: true connects without TLS"
	}
	switch s.Scheme {
	case "http", "ssh":
		return s.Scheme + ":// is no TLS"
	default:
		return ""
	}
}

// IsPatch reports whether the object looks like a patch of kustomize.
func (s *Source) IsPatch() bool {
	return !s.Object.Before.Loose().Get("spec", s.API.Required).Exists() || hasDirective(s.Object.Before.Node)
}

// CheckField says why the kind has no spec.certSecretRef in the version of the
// object, or of the controller in the stream.
func (s *Source) CheckField(v flux.Versions) error {
	since, known := s.API.Versions[cmp.Or(s.API.Newer(s.Version), s.Version)]
	fail := func(code krm.Code, path, format string, args ...any) error {
		return &krm.FieldError{Code: code, Path: path, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case !known:
		return fail(codes.UnknownVersion, "apiVersion", "Flux v0.41 to v2.10 serve no %s in %s; write %s", s.API.Name, s.Version, s.API.Write)
	case since == flux.Never:
		return fail(codes.FieldMissing, "apiVersion", "a %s has no certSecretRef in %s; write %s", s.API.Name, s.Version, s.API.Write)
	case v.Below(s.API.Controller, since):
		return fail(codes.FieldMissing, "spec.certSecretRef", "exists in %s from %s v%s on, and the stream has v%s; upgrade Flux, or take the object out of spec.sources",
			s.Version, s.API.Controller, since, v[s.API.Controller])
	default:
		return nil
	}
}
