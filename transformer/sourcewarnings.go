package transformer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// unpinned is the first source-controller that does not pin the name of the TLS
// server to the host of a HelmRepository with a certSecretRef:
// https://github.com/fluxcd/flux2/issues/5477
const unpinned = "1.7.0"

// warnSource says what a certSecretRef does beside what it is for.
func (t *transform) warnSource(o *fluxObject, ref string, r krm.Report) {
	if ref == "" {
		return
	}
	at := krm.Change{Path: "spec.certSecretRef", Current: ref}
	helm := o.kind == string(v1alpha1.HelmRepository)
	if helm && t.versions.below(o.api.controller, unpinned) {
		host := o.host
		if host == "" {
			host = "the host of its URL"
		}
		r.Add(framework.Warning, at, "source-controller v%s (before v%s, Flux 2.7) expects the name %s from every host that the charts come from, which fails with %q when they are elsewhere; "+
			"upgrade Flux, or remove certSecretRef: with spec.caBundle the controller trusts the CA for every source",
			t.versions[o.api.controller], unpinned, host, "certificate is valid for …, not …")
	}
	if helm && o.scheme == "oci" {
		r.Add(framework.Warning, at, "a HelmRepository of type oci has no status, so a TLS error shows in the HelmChart alone; an OCIRepository shows it itself")
	}
	if o.kind == string(v1alpha1.Provider) {
		r.Add(framework.Warning, at, "notification-controller trusts the CA in this Secret alone, without the public roots and without spec.caBundle; "+
			"the Secret must hold every root that the host and a proxy before it need")
	}
	t.warnSecret(o, ref, r)
}

// warnSecret says what is wrong with a Secret that an object refers to.
func (t *transform) warnSecret(o *fluxObject, ref string, r krm.Report) {
	at := krm.Change{Path: "spec.certSecretRef.name", Current: ref}
	p := t.provider(secretKind, ref, o.namespaces)
	wanted := slices.ContainsFunc(t.wanted, func(w generated) bool { return w.kind == secretKind && w.namespace == o.namespaces[0] && w.name == ref })
	switch {
	case wanted:
	case p != nil && p.config == t.config.Metadata.Name: // somebody else refers to it as well
		t.wantSecret(o, ref)
	case p != nil:
		t.checkSecret(p, false)
	case t.provider(secretKind, ref, []string{""}) != nil:
		r.Add(framework.Warning, at, "the stream has Secret %s in namespace %s, and an object of namespace %s cannot refer to it there; it is needed in %[3]s as well",
			quote.Name(ref), quote.Name(t.provider(secretKind, ref, []string{""}).namespaces[0]), quote.Name(o.namespaces[0]))
	}
}

// checkSecret looks at the CA in a Secret that the function has not made, once.
// Where the function itself refers to it, a bad one is an error.
func (t *transform) checkSecret(p *provider, used bool) {
	if t.checked[p] || p.err != nil || p.unknown != "" {
		return
	}
	t.checked[p] = true
	key := v1alpha1.DefaultSecretKey
	if _, ok := p.values[key]; !ok {
		key = legacyCAKey
	}
	v, ok := p.values[key]
	switch {
	case !ok && p.values["tls.crt"].path == "" && p.values["certFile"].path == "":
		p.report.Add(framework.Warning, krm.Change{Path: "data"}, "has no key %s, for which Flux looks in a certSecretRef; it has %s", v1alpha1.DefaultSecretKey, orNone(p.keys()))
	case !ok: // a client certificate alone
	case v.err != nil:
		p.report.Add(framework.Warning, krm.Change{Path: v.path}, "%s", v.err)
	case p.unknownValue(v) == "":
		certificates, findings := bundle.Parse(v.text)
		for _, f := range append(findings, bundle.Check(certificates, t.report.Now)...) {
			severity := framework.Warning
			if used && f.Fatal() {
				severity = framework.Error
			}
			p.report.Add(severity, krm.Change{Path: v.path}, "%s", f)
		}
	}
}

// warnGit says that the CA of a GitRepository is kept apart from the bundle.
func (t *transform) warnGit(o *fluxObject, r krm.Report) {
	ref := o.TextOr("spec", "secretRef", "name")
	if o.kind != gitRepository || ref == "" {
		return
	}
	p := t.provider(secretKind, ref, o.namespaces)
	if p == nil || p.err != nil {
		return
	}
	for _, key := range []string{v1alpha1.DefaultSecretKey, legacyCAKey} {
		if _, ok := p.values[key]; ok {
			r.Add(framework.Warning, krm.Change{Path: "spec.secretRef.name", Current: ref},
				"Secret %s holds a CA of its own beside the credentials (%s), as flux bootstrap --ca-file leaves it; no change of spec.caBundle reaches it, so rotate it first, or remove the key: the controllers trust the bundle", quote.Name(ref), key)
			t.checkSecret(p, false)
			return
		}
	}
}

// systemFiles lists the files with roots that Go looks for when nothing tells
// it otherwise, and that an image may have:
// https://cs.opensource.google/go/go/+/master:src/crypto/x509/root_linux.go
func systemFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem", noFile,
	}
}

// warnCertFile says that a file with roots that somebody has named is in no
// volume: Go goes on without it, and without a word.
func (d *deployment) warnCertFile(config *v1alpha1.Mount) error {
	if config.Method == v1alpha1.InitContainerMethod || config.Method == v1alpha1.Directory && config.SystemRoots == v1alpha1.Replace {
		return nil // the variable becomes the function's own
	}
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	for _, i := range d.controllers {
		entry, value, err := envEntry(containers[i], certFile)
		if err != nil || value == nil || !path.IsAbs(*value) || strings.Contains(*value, "${") || slices.Contains(systemFiles(), path.Clean(*value)) {
			continue // what cannot be read is said where it is written
		}
		mounts, err := containers[i].EntriesE("volumeMounts")
		if err != nil {
			return err
		}
		mounted := slices.ContainsFunc(mounts, func(m krm.Field) bool {
			at := path.Clean(m.TextOr("mountPath"))
			return *value == at || strings.HasPrefix(path.Clean(*value), strings.TrimSuffix(at, "/")+"/")
		})
		if !mounted {
			d.report.Add(framework.Warning, krm.Change{Path: fmt.Sprintf("%s.value", entry.Path), Current: *value},
				"points at %s, which no volume of the container provides; unless the image has it, Go goes on without these roots and says nothing: mount the file, or remove the variable", quote.PathList(*value))
		}
	}
	return nil
}
