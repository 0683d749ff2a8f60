package transformer

import (
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// needsHashSuffix is how kustomize remembers that a generator made an object.
const needsHashSuffix = "internal.config.kubernetes.io/needsHashSuffix"

// wantSecret sees to it that the Secret of an entry exists beside an object, and
// returns its name. In a custom resource kustomize does not follow a name that it
// changes, so the name is the one that the Secret has now.
func (t *transform) wantSecret(o *fluxObject, name string) string {
	namespace := o.namespaces[0]
	p := t.provider(secretKind, name, o.namespaces)
	if p != nil && p.config == t.config.Metadata.Name && !slices.Contains(o.namespaces, p.namespaces[0]) {
		p = nil // made for another namespace
	}
	switch {
	case p == nil:
	case p.config == t.config.Metadata.Name:
		name, namespace = p.names[0], p.namespaces[0]
	default:
		t.useSecret(p)
		return p.names[0]
	}
	keys := []string{v1alpha1.DefaultSecretKey}
	if t.versions.below(o.api.controller, o.api.caKey) {
		keys = append(keys, legacyCAKey)
	}
	for i, w := range t.wanted {
		if w.kind == secretKind && w.namespace == namespace && w.name == name {
			t.wanted[i].keys = slices.Compact(slices.Sorted(slices.Values(append(w.keys, keys...))))
			return name
		}
	}
	content, why := t.bundlePEM()
	if content == "" {
		t.reportUnknown(p, namespace, name, why)
		return name
	}
	t.wanted = append(t.wanted, generated{kind: secretKind, namespace: namespace, name: name, keys: keys, pem: content})
	return name
}

// useSecret looks at a Secret that is not the function's, and that objects are
// to trust.
func (t *transform) useSecret(p *provider) {
	switch {
	case t.checked[p]:
		return
	case p.err != nil:
		p.report.Fail(p.err)
	case p.config != "":
		p.report.Fail(&krm.FieldError{Path: "metadata.annotations." + configAnnotation, Message: fmt.Sprintf(
			"FluxTrust %q provides this Secret; write another certSecretRef.name", quote.Name(p.config))})
	}
	if kind := p.TextOr("type"); kind != "" && kind != "Opaque" && kind != "kubernetes.io/tls" {
		p.report.Add(framework.Error, krm.Change{Path: "type", Current: kind}, "is %s; Flux reads a certSecretRef of the type Opaque or kubernetes.io/tls alone", quote.Key(kind))
	}
	if p.TextOr("metadata", "annotations", needsHashSuffix) == "enabled" {
		p.report.Add(framework.Warning, krm.Change{}, "gets a hash suffix at the end of the build, and kustomize does not follow the name into certSecretRef by itself; "+
			"set disableNameSuffixHash: true on its generator, or give kustomize the nameReference of docs/sources.md")
	}
	t.checkSecret(p, true)
}

// reportUnknown says that a Secret cannot be made. It is said once per Secret.
func (t *transform) reportUnknown(p *provider, namespace, name, why string) {
	r := t.report
	r.Ref = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: "v1", Kind: secretKind},
		NameMeta: yaml.NameMeta{Name: name, Namespace: namespace},
	}
	key := namespace + "/" + name
	switch {
	case t.missing[key], why == "":
		return
	case p != nil:
		p.report.Add(framework.Warning, krm.Change{}, "is kept as an earlier run has made it, because the content of spec.caBundle is not known now: %s", why)
		t.kept[p] = true
	default:
		r.Add(framework.Warning, krm.Change{}, "is not in the stream, and cannot be added because the content of spec.caBundle is not known (%s); "+
			"create it before the sources need it, with the CA under %s", why, v1alpha1.DefaultSecretKey)
	}
	t.missing[key] = true
}

// bundlePEM returns the certificates of the bundle as a text, or why they are not
// known. Where the bundle cannot be used, which has its own results, it returns
// neither.
func (t *transform) bundlePEM() (content, unknown string) {
	if len(t.config.Spec.CABundle) == 0 {
		return "", "it is empty"
	}
	if len(t.resolved) == 0 {
		t.roots(t.bundleNamespaces())
	}
	for _, key := range slices.Sorted(maps.Keys(t.resolved)) {
		r := t.resolved[key]
		if r.err != nil {
			return "", ""
		}
		if unknown = r.unknown; unknown == "" {
			var text strings.Builder
			for _, c := range r.certificates {
				text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
			}
			return text.String(), ""
		}
	}
	return "", unknown
}

// bundleNamespaces returns where the bundle is, in a stream without controllers.
func (t *transform) bundleNamespaces() []string {
	for _, e := range t.config.Spec.CABundle {
		var p *provider
		switch {
		case e.ConfigMap != nil:
			p = t.provider(configMapKind, e.ConfigMap.Name, []string{""})
		case e.Secret != nil:
			p = t.provider(secretKind, e.Secret.Name, []string{""})
		}
		if p != nil {
			return p.namespaces
		}
	}
	return []string{""}
}
