package sources

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Target is what a source connects to.
type Target struct {
	// Kind, Namespace and Name of the object.
	Kind, Namespace, Name string
	// URL of the source, with the scheme https unless Skip says why not.
	URL *url.URL
	// Registry is set where URL is that of a repository in a container registry, Helm
	// where it has an index.yaml. Tag is the one that the object asks for, or "".
	Registry, Helm bool
	Tag            string
	// CA holds the certificates of its certSecretRef; CAAlone is set where its
	// controller then trusts nothing else.
	CA      []*x509.Certificate
	CAAlone bool
	// Pinned is set where its controller expects the name of URL's host everywhere.
	Pinned bool
	// Bundle is set where its controller trusts spec.caBundle.
	Bundle bool
	// Proxy of its proxySecretRef, with the credentials.
	Proxy *url.URL
	// Skip says why there is nothing to connect to, Problem what is wrong in the
	// stream, Note what could not be seen there. None of them names a secret value.
	Skip, Problem, Note string
}

// Targets returns what the sources of an inventory connect to.
func Targets(i *inventory.Inventory, c *v1alpha1.FluxTrust) []Target {
	targets := make([]Target, len(i.Sources))
	for at, o := range i.Sources {
		targets[at] = target(i, c, o)
	}
	return targets
}

func target(i *inventory.Inventory, c *v1alpha1.FluxTrust, o *inventory.Source) Target {
	t := Target{Kind: o.API.Name, Namespace: o.Object.Namespace(), Name: o.Object.Name()}
	if o.Err != nil {
		t.Problem = o.Err.Error()
		return t
	}
	t.Bundle = c.Spec.Mount.Method != v1alpha1.None && inventory.Includes(&c.Spec.Controllers, o.API.Controller)
	t.CAAlone = o.API.Name == flux.Provider
	t.Pinned = o.Ref != "" && isPinned(o, i.Versions)
	t.Tag = o.Object.Before.Peek("spec", "ref", "tag")
	if t.URL, t.Skip = connectsTo(o); t.Skip != "" {
		return t
	}
	if t.URL == nil {
		t.Problem = "spec." + o.API.Address + " has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"
		return t
	}
	t.Registry = o.API.Name == flux.ImageRepository || o.Scheme == "oci"
	t.Helm = o.API.Name == flux.HelmRepository && !t.Registry
	t.readCA(i, o)
	t.readProxy(i, o)
	return t
}

// connectsTo returns the URL of a source, or why there is none. It returns neither
// where the API server would refuse the object.
func connectsTo(o *inventory.Source) (u *url.URL, skip string) {
	field := "spec." + o.API.Address
	switch {
	case o.Address == "" && o.API.Name == flux.Provider:
		return nil, "has no spec.address: it is in the Secret, or the provider needs none"
	case o.Address == "":
		return nil, "has no " + field
	case strings.Contains(o.Address, "${"):
		return nil, field + " holds a ${…}, which Flux substitutes: probe what flux build kustomization prints"
	case o.Host == "" && o.API.Name == flux.Provider: // such as the name of a project
		return nil, field + " is no URL of a host"
	case o.Host == "":
		return nil, ""
	}
	u = urlOf(o)
	if reason := o.WithoutTLS(); reason != "" {
		return u, reason
	}
	if o.Scheme != "https" && o.Scheme != "oci" {
		return u, o.Scheme + ":// is not HTTPS"
	}
	return u, ""
}

// urlOf returns the URL behind an address that names a host.
func urlOf(o *inventory.Source) *url.URL {
	u, address := &url.URL{Scheme: "https", Host: o.Host}, o.Address
	switch o.API.Name {
	case flux.ImageRepository:
		if first, rest, found := strings.Cut(address, "/"); found && strings.EqualFold(first, o.Host) {
			address = rest
		} else if !found {
			address = "library/" + address // the official images of Docker Hub
		}
		u.Path = "/" + address
	case flux.Bucket:
	default:
		if parsed, err := url.Parse(address); err == nil {
			u.Path, u.RawQuery = parsed.Path, parsed.RawQuery
		}
	}
	return u
}

// readCA finds the CA that a source has for itself.
func (t *Target) readCA(i *inventory.Inventory, o *inventory.Source) {
	name, at := o.Ref, "certSecretRef"
	if o.API.Name == flux.GitRepository {
		name, at = o.Object.Before.Peek("spec", "secretRef", "name"), "secretRef"
	}
	if name == "" {
		return
	}
	secret, why := secretOf(i, o, name, v1alpha1.DefaultSecretKey, legacyCAKey)
	if why != "" {
		if at == "certSecretRef" {
			t.Note = fmt.Sprintf("the CA of Secret %s is not known (%s): probed without it", quote.Name(name), why)
			if t.CAAlone {
				t.Skip = fmt.Sprintf("the CA of Secret %s, which the controller trusts alone, is not known: %s", quote.Name(name), why)
			}
		}
		return
	}
	for _, key := range []string{v1alpha1.DefaultSecretKey, legacyCAKey} {
		v, ok := secret.Values[key]
		if !ok {
			continue
		}
		certificates, findings := bundle.Parse(v.Text)
		for _, c := range certificates {
			t.CA = append(t.CA, c.Certificate)
		}
		if len(certificates) == 0 && len(findings) > 0 {
			t.Problem = fmt.Sprintf("Secret %s, key %s: %s", quote.Name(name), key, findings[0])
		}
		return
	}
}

// readProxy finds the proxy of a source:
// https://fluxcd.io/flux/components/source/gitrepositories/#proxy-secret-reference
func (t *Target) readProxy(i *inventory.Inventory, o *inventory.Source) {
	name := o.Object.Before.Peek("spec", "proxySecretRef", "name")
	address, user, password := o.Object.Before.Peek("spec", "proxy"), "", "" // of a Provider
	if name != "" {
		secret, why := secretOf(i, o, name, "address", "username", "password")
		if why != "" {
			t.Note = strings.TrimPrefix(fmt.Sprintf("%s; the proxy of Secret %s is not known (%s): probed without it", t.Note, quote.Name(name), why), "; ")
			return
		}
		text := func(key string) string { return string(secret.Values[key].Text) }
		address, user, password = text("address"), text("username"), text("password")
		if address == "" {
			t.Problem = fmt.Sprintf("Secret %s has no key address, which proxySecretRef needs", quote.Name(name))
			return
		}
	}
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		t.Problem = "the address of its proxy is not a URL with http:// or https://"
		return
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	t.Proxy = u
}
