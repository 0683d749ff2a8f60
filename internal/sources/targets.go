package sources

import (
	"fmt"
	"net/url"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// reader makes targets of the objects of a stream.
type reader struct {
	*inventory.Inventory
	config *v1alpha1.FluxTrust
	// charts are those of HelmCharts and HelmReleases, by their HelmRepository.
	charts map[string]map[string]string
	// environments are those of the containers that run a controller.
	environments map[string]environment
	// encrypted are the key services of objects that SOPS has encrypted.
	encrypted map[string]bool
}

// Targets returns what the objects of a stream connect to, as they stand: the sources
// first, then the hosts that the other objects need. What is wrong with an object is
// said in its target.
func Targets(objects []*krm.Object, config *v1alpha1.FluxTrust) []probe.Target {
	r := &reader{Inventory: inventory.Of(objects, &config.Spec.Controllers), config: config, charts: chartsOf(objects)}
	r.environments, r.encrypted = r.readEnvironments(), encryptedWith(objects)
	var targets []probe.Target
	for _, s := range r.Sources {
		targets = append(targets, r.of(s)...)
	}
	for _, o := range objects {
		targets = append(targets, r.expected(o)...)
	}
	return targets
}

// nameOf names an object in a report.
func nameOf(o *krm.Object) string {
	return quote.Kind(o.Kind()) + " " + strings.TrimPrefix(quote.Name(o.Namespace())+"/", "/") + quote.Name(o.Name())
}

// of says what a source connects to.
func (r *reader) of(s *inventory.Source) []probe.Target {
	t := probe.Target{Source: nameOf(s.Object), Kind: probe.Kind(s.API.Name), Controller: r.controller(s.API.Controller)}
	if s.Err != nil {
		t.Remarks.Problem = s.Err.Error()
		return []probe.Target{t}
	}
	spec := s.Object.Before.Loose().Get("spec")
	if on := spec.Boolean("insecure"); on != nil {
		t.Insecure = on.Value
	}
	t.Type = spec.Peek("provider")
	if s.API.Name == flux.Provider {
		t.Type = spec.Peek("type")
	}
	t.Secrets = probe.Secrets{
		Cert: r.secret(s.Object, spec.Peek("certSecretRef", "name"), certKeys()), Auth: r.secret(s.Object, spec.Peek("secretRef", "name"), authKeys()),
		Proxy: r.secret(s.Object, spec.Peek("proxySecretRef", "name"), proxyKeys()), ProxyURL: spec.Peek("proxy"), ServiceAccount: spec.Peek("serviceAccountName") != "",
	}
	if s.API.Name != flux.Provider {
		t.Secrets.ProxyURL = ""
	}
	r.locate(s, spec, &t)
	if t.URL != nil && t.Remarks.Skip == "" && t.Remarks.Problem == "" {
		identity(&t, spec)
		if unknown := r.environment(s.API.Controller).unknown; unknown != "" && t.Secrets.Proxy == nil {
			t.Remarks.Doubts = append(t.Remarks.Doubts, probe.Doubt(probe.ProxyUnknown, unknown))
		}
	}
	targets := append([]probe.Target{t}, r.sts(s.Object, spec, &t)...)
	return append(targets, r.besides(s, spec, &t)...)
}

// locate finds the URL of a source, or says why there is none.
func (r *reader) locate(s *inventory.Source, spec krm.Field, t *probe.Target) {
	address, field := s.Address, "spec."+s.API.Address
	if t.Kind == probe.Provider {
		address, field = providerAddress(address, t)
	}
	switch {
	case strings.Contains(address, "${"):
		t.Remarks.Doubts = append(t.Remarks.Doubts, probe.Doubt(probe.Substituted, field+" holds a ${…}, which Flux substitutes"))
		return
	case address == "" && t.Kind == probe.Provider:
		if auth := t.Secrets.Auth; auth != nil && auth.Unknown != "" {
			t.Remarks.Doubts = append(t.Remarks.Doubts, probe.Doubt(probe.SecretUnknown, "there is no spec.address, and Secret "+quote.Name(auth.Name)+" is not known: "+auth.Unknown))
			return
		}
		t.Remarks.Skip = "has no address: the controller sends nothing"
		return
	case address == "":
		t.Remarks.Skip = "has no " + field
		return
	}
	u, err := parse(t.Kind, s, address)
	switch {
	case err == nil:
	case t.Kind == probe.Provider: // such as the name of a project
		t.Remarks.Skip = field + " is not a URL of a host"
		return
	default:
		t.Remarks.Problem = field + " has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"
		return
	}
	t.URL = u
	t.Remarks.Problem, t.Remarks.Skip = scheme(t, spec)
	if t.Kind == probe.HelmRegistry {
		t.Content.Charts = r.charts[key(s.Object.Namespace(), s.Object.Name())]
	}
	t.Content.Bucket = spec.Peek("bucketName")
	t.Content.Reference = reference(spec.Get("ref"))
}

// providerAddress returns the address of a Provider: that in its Secret counts.
func providerAddress(address string, t *probe.Target) (where, field string) {
	if auth := t.Secrets.Auth; auth != nil && auth.Unknown == "" {
		if proxy := strings.TrimSpace(string(auth.Data["proxy"])); proxy != "" {
			t.Secrets.ProxyURL = proxy
		}
		if inSecret, ok := auth.Data["address"]; ok {
			return strings.TrimSpace(string(inSecret)), "the address in Secret " + quote.Name(auth.Name)
		}
	}
	return address, "spec.address"
}

// parse returns the URL behind an address.
func parse(kind probe.Kind, s *inventory.Source, address string) (*url.URL, error) {
	if kind == probe.ImageRepository {
		path := "/" + address
		if first, rest, found := strings.Cut(address, "/"); found && strings.EqualFold(first, s.Host) {
			path = "/" + rest
		} else if !found {
			path = "/library/" + address // the official images of Docker Hub
		}
		return &url.URL{Scheme: "https", Host: s.Host, Path: path}, nil
	}
	if kind == probe.Bucket && !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("no URL") //nolint:perfsprint // the caller says more
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u, nil
}

// scheme turns the scheme of a source into https or http, or says why it cannot be
// used.
func scheme(t *probe.Target, spec krm.Field) (problem, skip string) {
	have := t.URL.Scheme
	t.URL.Scheme = "https"
	registry := spec.Peek("type") == "oci"
	switch {
	case t.Kind == probe.HelmRepository && (registry || have == "oci"):
		t.Kind = probe.HelmRegistry
		if !registry {
			return "invalid Helm repository URL: 'oci' URL scheme cannot be used with 'default' HelmRepository type; write spec.type: oci", ""
		}
		if have != "oci" {
			return "spec.url does not begin with oci://, and spec.type is oci", ""
		}
		if t.Insecure {
			t.URL.Scheme = "http"
		}
	case t.Kind == probe.OCIRepository && have != "oci":
		return "URL must be in format 'oci://<domain>/<org>/<repo>'", ""
	case t.Kind == probe.OCIRepository, t.Kind == probe.ImageRepository:
	case t.Kind == probe.Bucket:
		if t.Insecure {
			t.URL.Scheme = "http"
		}
	case have == "https", have == "http":
		t.URL.Scheme = have
	default:
		return "", quote.Word(have) + ":// is not HTTPS"
	}
	return "", ""
}

// reference returns what an OCIRepository asks for.
func reference(ref krm.Field) string {
	switch digest, tag := ref.Peek("digest"), ref.Peek("tag"); {
	case digest != "":
		return digest
	case ref.Peek("semver") != "":
		return probe.AnyVersion
	default:
		return tag
	}
}

// identity says that the login comes from where the probe cannot look.
func identity(t *probe.Target, spec krm.Field) {
	var text string
	account := spec.Peek("serviceAccountName")
	cloud := t.Kind != probe.Provider && t.Type != "" && t.Type != "generic" && (t.Secrets.Auth == nil || t.Kind == probe.GitRepository)
	switch {
	case cloud && t.Kind == probe.GitRepository && t.Type == "github" && t.Secrets.Auth == nil:
		t.Remarks.Problem = "secretRef with github app data must be specified when provider is set to github"
		return
	case cloud:
		text = "spec.provider: " + quote.Word(t.Type) + " logs in with an identity that the probe does not have"
	case account != "" && t.Kind == probe.Provider && t.Type == "generic", account == "":
		return
	default:
		text = "spec.serviceAccountName: " + quote.Name(account) + " may have a login that the probe does not have"
	}
	t.Remarks.Doubts = append(t.Remarks.Doubts, probe.Doubt(probe.WorkloadIdentity, text))
}

// sts is the token service of a Bucket:
// https://fluxcd.io/flux/components/source/buckets/#sts
func (r *reader) sts(o *krm.Object, spec krm.Field, bucket *probe.Target) []probe.Target {
	endpoint := spec.Peek("sts", "endpoint")
	if bucket.Kind != probe.Bucket || endpoint == "" {
		return nil
	}
	t := probe.Target{
		Source: bucket.Source, Kind: probe.Host, Role: "sts", Controller: bucket.Controller,
		Secrets: probe.Secrets{Proxy: bucket.Secrets.Proxy, Cert: r.secret(o, spec.Peek("sts", "certSecretRef", "name"), certKeys())},
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		t.Remarks.Problem = "spec.sts.endpoint is not a URL with https://"
		return []probe.Target{t}
	}
	t.URL = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	return []probe.Target{t}
}
