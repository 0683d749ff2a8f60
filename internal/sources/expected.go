package sources

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// need is a host that an object needs without naming it.
type need struct{ role, host, why string }

// expect returns the targets of the hosts that an object needs, by the controller that
// connects to them.
func (r *reader) expect(o *krm.Object, controller string, proxy *probe.Secret, needs []need) []probe.Target {
	var targets []probe.Target
	for _, n := range needs {
		targets = append(targets, probe.Target{
			Source: nameOf(o), Kind: probe.Host, Role: n.role, Expected: n.why, Controller: r.controller(controller),
			URL: &url.URL{Scheme: "https", Host: n.host}, Secrets: probe.Secrets{Proxy: proxy},
		})
	}
	return targets
}

// besides returns what a source connects to beside its own host.
func (r *reader) besides(o *krm.Object, controller string, spec krm.Field, source *probe.Target) []probe.Target {
	if source.URL == nil {
		return nil
	}
	needs := append(r.signatures(o, spec), tokenService(source)...)
	return r.expect(o, controller, source.Secrets.Proxy, append(needs, api(source)...))
}

// signatures are the hosts of Sigstore that keyless verification needs; the roots of
// Fulcio come with those of TUF.
// https://github.com/fluxcd/source-controller/blob/v1.9.6/internal/oci/cosign/cosign.go
func (r *reader) signatures(o *krm.Object, spec krm.Field) []need {
	verify := spec.Get("verify")
	if verify.Peek("provider") != "cosign" || verify.Get("secretRef").Exists() {
		return nil
	}
	const why = "verify.provider: cosign without a key"
	root := verify.Peek("trustedRootSecretRef", "name")
	if root == "" {
		return []need{{"sigstore", "tuf-repo-cdn.sigstore.dev", why}, {"sigstore", "rekor.sigstore.dev", why}}
	}
	secret := r.secret(o, root, []string{"trusted_root.json"})
	var trusted struct {
		TLogs []struct {
			BaseURL string `json:"baseUrl"`
		} `json:"tlogs"`
	}
	if secret.Unknown != "" || json.Unmarshal(secret.Data["trusted_root.json"], &trusted) != nil {
		return nil
	}
	for _, log := range trusted.TLogs {
		if u, err := url.Parse(log.BaseURL); err == nil && u.Host != "" && u.Scheme == "https" {
			return []need{{"sigstore", strings.ToLower(u.Host), "verify.trustedRootSecretRef"}}
		}
	}
	return nil
}

// ecr is the host of a registry of AWS:
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
var ecr = pattern.Pattern{Text: `\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?)$`}

// tokenService is where a login of a cloud comes from.
func tokenService(t *probe.Target) []need {
	if t.Kind == probe.Provider || t.Secrets.Auth != nil && t.Kind != probe.GitRepository {
		return nil
	}
	why, host := "spec.provider: "+quote.Word(t.Type), t.URL.Hostname()
	switch t.Type {
	case "aws":
		if match := ecr.Get().FindStringSubmatch(host); match != nil {
			at := match[2] + "." + match[3]
			return []need{{"token", "sts." + at, why}, {"token", "api.ecr." + at, why}}
		}
		return []need{{"token", "sts.amazonaws.com", why}}
	case "azure":
		return []need{{"token", "login.microsoftonline.com", why}}
	case "gcp":
		return []need{{"token", "sts.googleapis.com", why}, {"token", "iamcredentials.googleapis.com", why}}
	case "github":
		return gitAPI(host, why)
	default:
		return nil
	}
}

// gitAPI is where GitHub has its API; a GitHub Enterprise Server has it at its own
// name.
func gitAPI(host, why string) []need {
	if host == "github.com" {
		host = "api.github.com"
	}
	return []need{{"api", host, why}}
}

// api is where the service of a Provider has its API, if that is not its address.
func api(t *probe.Target) []need {
	if t.Kind != probe.Provider {
		return nil
	}
	why := "spec.type: " + quote.Word(t.Type)
	switch host := t.URL.Hostname(); {
	case strings.HasPrefix(t.Type, "github") && host == "github.com":
		return gitAPI(host, why)
	case t.Type == "bitbucket" && host == "bitbucket.org":
		return []need{{"api", "api.bitbucket.org", why}}
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
		targets := r.expect(o, "source-controller", nil, r.signatures(o, chart))
		if from := chart.Peek("sourceRef", "kind"); from == flux.GitRepository || from == flux.Bucket {
			targets = append(targets, doubtful(o, probe.DependenciesUnknown, "its Chart.yaml in a "+from+" may name repositories of dependencies"))
		}
		return targets
	case kind == "Kustomization" && group == "kustomize.toolkit.fluxcd.io":
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

// keyServices are where the keys of an object that SOPS has encrypted are:
// https://getsops.io/docs/#important-information-on-types
func keyServices(o *krm.Object) []need {
	sops := o.Before.Loose().Get("sops")
	var needs []need
	add := func(why, host string) {
		if host != "" {
			needs = append(needs, need{"keys", host, why})
		}
	}
	for _, key := range sops.Items("hc_vault") {
		add("sops.hc_vault", hostIn(key.Peek("vault_address")))
	}
	for _, key := range sops.Items("azure_kv") {
		add("sops.azure_kv", hostIn(key.Peek("vault_url")))
	}
	for _, key := range sops.Items("kms") {
		if arn := strings.Split(key.Peek("arn"), ":"); len(arn) > 3 && arn[3] != "" {
			add("sops.kms", "kms."+arn[3]+".amazonaws.com")
		}
	}
	if len(sops.Items("gcp_kms")) > 0 {
		add("sops.gcp_kms", "cloudkms.googleapis.com")
	}
	return needs
}

func hostIn(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return strings.ToLower(u.Host)
}

// decryption says that a Kustomization may need a service that has keys: which one
// stands in the encrypted files.
func (r *reader) decryption(o *krm.Object, spec krm.Field) []probe.Target {
	decryption := spec.Get("decryption")
	if decryption.Peek("provider") != "sops" {
		return nil
	}
	secret := r.secret(o, decryption.Peek("secretRef", "name"), nil)
	services := map[string]string{"sops.vault-token": "Vault", "sops.aws-kms": "AWS KMS", "sops.azure-kv": "Azure Key Vault", "sops.gcp-kms": "Google Cloud KMS"}
	switch {
	case secret != nil && secret.Unknown == "":
		for key, service := range services {
			if _, ok := secret.Data[key]; ok {
				return []probe.Target{doubtful(o, probe.KeyServiceUnknown, fmt.Sprintf("spec.decryption decrypts with %s, and its address stands in the encrypted files", service))}
			}
		}
		return nil // keys of age and PGP need no host
	case secret != nil:
		return []probe.Target{doubtful(o, probe.SecretUnknown, "Secret "+quote.Name(secret.Name)+" of spec.decryption is not known: "+secret.Unknown)}
	default:
		return []probe.Target{doubtful(o, probe.KeyServiceUnknown, "spec.decryption has no Secret, so the keys are in a service, whose address stands in the encrypted files")}
	}
}

// inputs is what flux-operator asks for inputs:
// https://fluxcd.control-plane.io/operator/resourcesetinputprovider/
func (r *reader) inputs(o *krm.Object, spec krm.Field) []probe.Target {
	kind, address := spec.Peek("type"), spec.Peek("url")
	if address == "" || kind == "Static" {
		return nil
	}
	t := probe.Target{Source: nameOf(o), Kind: probe.Host, Role: "api", Expected: "spec.type: " + quote.Word(kind), Controller: r.controller(flux.Operator)}
	u, err := url.Parse(strings.Replace(address, "oci://", "https://", 1))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		t.Remarks.Skip = "spec.url is no URL with https:// or oci://"
		return []probe.Target{t}
	}
	t.URL = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if strings.HasPrefix(kind, "GitHub") && t.URL.Host == "github.com" {
		t.URL.Host = "api.github.com"
	}
	t.Secrets.Cert = r.secret(o, spec.Peek("certSecretRef", "name"), certKeys())
	return []probe.Target{t}
}
