package sources

import (
	"encoding/json"
	"net/url"
	"strings"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// need is a host that an object needs without naming it.
type need struct {
	role, host, why string
	// perhaps tells that the object may do without it.
	perhaps bool
}

// expect returns the targets of the hosts that an object needs, by the controller that
// connects to them.
func (r *reader) expect(o *krm.Object, controller string, proxy *probe.Secret, needs []need) []probe.Target {
	var targets []probe.Target
	for _, n := range needs {
		targets = append(targets, probe.Target{
			Source: nameOf(o), Kind: probe.Host, Role: n.role, Expected: n.why, Perhaps: n.perhaps, Controller: r.controller(controller),
			URL: &url.URL{Scheme: "https", Host: n.host}, Secrets: probe.Secrets{Proxy: proxy},
		})
	}
	return targets
}

// besides returns what a source connects to beside its own host.
func (r *reader) besides(s *inventory.Source, spec krm.Field, source *probe.Target) []probe.Target {
	o, controller, proxy := s.Object, s.API.Controller, source.Secrets.Proxy
	if source.Kind == probe.Provider {
		address, _ := providerAddress(s.Address, source)
		return r.expect(o, controller, proxy, api(address, source))
	}
	if source.URL == nil {
		return nil
	}
	return append(r.signatures(o, spec, proxy), r.expect(o, controller, proxy, tokenService(source))...)
}

// signatures are the hosts of Sigstore that keyless verification needs; the roots of
// Fulcio come with those of TUF.
// https://github.com/fluxcd/source-controller/blob/v1.9.6/internal/oci/cosign/cosign.go
func (r *reader) signatures(o *krm.Object, spec krm.Field, proxy *probe.Secret) []probe.Target {
	verify := spec.Get("verify")
	if verify.Peek("provider") != "cosign" || verify.Get("secretRef").Exists() {
		return nil
	}
	needs := []need{
		{"sigstore", "tuf-repo-cdn.sigstore.dev", "verify.provider: cosign without a key", false},
		{"sigstore", "rekor.sigstore.dev", "verify.provider: cosign without a key", false},
	}
	if name := verify.Peek("trustedRootSecretRef", "name"); name != "" {
		const field = "verify.trustedRootSecretRef"
		secret := r.secret(o, name, []string{"trusted_root.json"})
		if secret.Unknown != "" {
			return []probe.Target{doubtful(o, probe.SecretUnknown, "Secret "+quote.Name(name)+" of "+field+" is not known: "+secret.Unknown)}
		}
		log, problem := transparencyLog(secret.Data["trusted_root.json"])
		if problem != "" {
			return []probe.Target{{Source: nameOf(o), Kind: probe.Host, Role: "sigstore", Expected: field, Remarks: probe.Remarks{Problem: "Secret " + quote.Name(name) + ": trusted_root.json " + problem}}}
		}
		needs = nil
		if log != "" {
			needs = []need{{"sigstore", log, field, false}}
		}
	}
	return r.expect(o, "source-controller", proxy, needs)
}

// transparencyLog returns the host of the log that a trusted root names, or "".
func transparencyLog(text []byte) (host, problem string) {
	var trusted struct {
		TLogs []struct {
			BaseURL string `json:"baseUrl"`
		} `json:"tlogs"`
	}
	if len(text) == 0 {
		return "", "is missing"
	}
	if json.Unmarshal(text, &trusted) != nil {
		return "", "is not JSON"
	}
	for _, log := range trusted.TLogs {
		if host := hostIn(log.BaseURL); host != "" {
			return host, ""
		}
	}
	return "", ""
}

// ecr is the host of a registry of AWS:
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
var ecr = pattern.Pattern{Text: `\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?)$`}

// tokenService is where a login of a cloud comes from.
func tokenService(t *probe.Target) []need {
	why := "spec.provider: " + quote.Word(t.Type)
	switch {
	case t.Kind == probe.GitRepository && t.Type == "github":
		return appAPI(t, why)
	case t.Secrets.Auth != nil && t.Kind != probe.GitRepository:
		return nil // the login is there
	}
	needs := cloud(t.Type, t.URL.Hostname(), why)
	for i := range needs {
		// With a service account of its own, its token is exchanged for one of the cloud.
		needs[i].perhaps = needs[i].perhaps && (!t.Secrets.ServiceAccount || strings.HasPrefix(needs[i].host, "iamcredentials."))
	}
	return needs
}

// cloud returns where the login to a host of a cloud comes from. Whether it does is known
// of registries alone: elsewhere the metadata service of the node may have it.
func cloud(provider, host, why string) []need {
	switch provider {
	case "aws":
		if match := ecr.Get().FindStringSubmatch(host); match != nil {
			at := match[2] + "." + match[3]
			return []need{{"token", "api.ecr." + at, why, false}, {"token", "sts." + at, why, true}}
		}
		if host == "public.ecr.aws" {
			return []need{{"token", "api.ecr-public.us-east-1.amazonaws.com", why, false}, {"token", "sts.us-east-1.amazonaws.com", why, true}}
		}
		return []need{{"token", "sts.amazonaws.com", why, true}}
	case "azure":
		for suffix, login := range map[string]string{".azurecr.cn": "login.chinacloudapi.cn", ".azurecr.us": "login.microsoftonline.us"} {
			if strings.HasSuffix(host, suffix) {
				return []need{{"token", login, why, true}}
			}
		}
		return []need{{"token", "login.microsoftonline.com", why, true}}
	case "gcp":
		return []need{{"token", "sts.googleapis.com", why, true}, {"token", "iamcredentials.googleapis.com", why, true}}
	default:
		return nil
	}
}

// appAPI is where a GitHub App gets its token: at what the Secret says, or at GitHub.
// https://github.com/fluxcd/pkg/blob/main/git/github/client.go
func appAPI(t *probe.Target, why string) []need {
	auth := t.Secrets.Auth
	if auth == nil || auth.Unknown != "" {
		return gitAPI(t.URL.Hostname(), why)
	}
	if base, ok := auth.Data["githubAppBaseURL"]; ok {
		if host := hostIn(string(base)); host != "" {
			return []need{{"api", host, why, false}}
		}
		return nil
	}
	return gitAPI("github.com", why)
}

// gitAPI is where GitHub has its API; a GitHub Enterprise Server has it at its own
// name.
func gitAPI(host, why string) []need {
	if host == "github.com" {
		host = "api.github.com"
	}
	return []need{{"api", host, why, false}}
}

// eventHub is the host in the address of an Azure Event Hub with a key.
var eventHub = pattern.Pattern{Text: `^Endpoint=sb://([a-zA-Z0-9.-]+)/?;`}

// api is where the service of a Provider has its API, if that is not its address.
// https://github.com/fluxcd/notification-controller/tree/v1.6.0/internal/notifier
func api(address string, t *probe.Target) []need {
	why := "spec.type: " + quote.Word(t.Type)
	host := ""
	if t.URL != nil {
		host = t.URL.Hostname()
	}
	match := eventHub.Get().FindStringSubmatch(address)
	switch {
	case address == "": // then nothing is sent
		return nil
	case t.Type == "googlepubsub":
		return []need{{"api", "pubsub.googleapis.com", why, false}}
	case t.Type == "azureeventhub" && match != nil:
		const amqps = ":5671"
		return []need{{"api", strings.ToLower(match[1]) + amqps, why, false}}
	case t.Type == "telegram" && host != "api.telegram.org":
		return []need{{"api", "api.telegram.org", why, false}}
	case strings.HasPrefix(t.Type, "github") && host == "github.com":
		return gitAPI(host, why)
	case t.Type == "bitbucket" && host == "bitbucket.org":
		return []need{{"api", "api.bitbucket.org", why, false}}
	default:
		return nil
	}
}

// expected returns what an object that is no source connects to.
func (r *reader) expected(o *krm.Object) []probe.Target {
	spec := o.Before.Loose().Get("spec")
	switch kind, group := o.Kind(), o.Group(); {
	case (kind == "HelmChart" || kind == "HelmRelease") && chartOf(o).Exists():
		chart := chartOf(o)
		targets := r.signatures(o, chart, nil)
		if from := chart.Peek("sourceRef", "kind"); from == flux.GitRepository || from == flux.Bucket {
			targets = append(targets, doubtful(o, probe.DependenciesUnknown, "its Chart.yaml in a "+from+" may name repositories of dependencies"))
		}
		return targets
	case kind == flux.Kustomization && group == flux.KustomizeGroup:
		return r.decryption(o, spec)
	case kind == "ResourceSetInputProvider":
		return r.inputs(o, spec)
	default:
		return r.expect(o, "kustomize-controller", nil, keyServices(o))
	}
}

// doubtful is a target of which nothing but a doubt can be said.
func doubtful(o *krm.Object, code probe.Code, text string) probe.Target {
	return probe.Target{Source: nameOf(o), Kind: probe.Host, Remarks: probe.Remarks{Doubts: []*probe.Failure{probe.Doubt(code, text)}}}
}

func hostIn(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return strings.ToLower(u.Host)
}

// inputs is what flux-operator asks for inputs:
// https://fluxcd.control-plane.io/operator/resourcesetinputprovider/
func (r *reader) inputs(o *krm.Object, spec krm.Field) []probe.Target {
	kind, address := spec.Peek("type"), spec.Peek("url")
	if address == "" || kind == "Static" {
		return nil
	}
	operator := r.controller(flux.Operator)
	operator.Version = "" // it reads Secrets as the newest controllers do, and counts another way
	why := "spec.type: " + quote.Word(kind)
	t := probe.Target{Source: nameOf(o), Kind: probe.Host, Role: "api", Expected: why, Controller: operator}
	u, err := url.Parse(strings.Replace(address, "oci://", "https://", 1))
	switch {
	case strings.Contains(address, "${"):
		return []probe.Target{doubtful(o, probe.Substituted, "spec.url holds a ${…}, which Flux substitutes")}
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		t.Remarks.Problem = "spec.url is not a URL with https:// or oci://"
		return []probe.Target{t}
	}
	t.URL = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if strings.HasPrefix(kind, "GitHub") && t.URL.Host == "github.com" {
		t.URL.Host = "api.github.com"
	}
	t.Secrets.Cert = r.secret(o, spec.Peek("certSecretRef", "name"), certKeys())
	provider := map[string]string{"ECRArtifactTag": "aws", "ACRArtifactTag": "azure", "GARArtifactTag": "gcp"}[kind]
	targets := append([]probe.Target{t}, r.expect(o, flux.Operator, nil, cloud(provider, t.URL.Hostname(), why))...)
	for i := range targets {
		targets[i].Controller = operator
	}
	return targets
}
