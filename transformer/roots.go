package transformer

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// roots is the CA bundle as the controllers of a namespace see it.
type roots struct {
	sources []source
	// digest of all certificates, or "" when the content of an entry is not
	// known.
	digest string
	// certificates are those of all entries, unless unknown says why one is not
	// known.
	certificates []bundle.Certificate
	unknown      string
	// err is set when the bundle cannot be used. The results say why.
	err error
}

// errUnusable ends the work on a Deployment whose bundle has been refused. The
// bundle has its own results.
var errUnusable = fmt.Errorf("the CA bundle cannot be used: %w", krm.ErrReported)

// entry is an entry of the bundle while it is being resolved.
type entry struct {
	*v1alpha1.CABundleEntry
	at     string     // its path in the config
	report krm.Report // of the config
	// certificates are those of its known content.
	certificates []bundle.Certificate
	// unknown says why its content is not known, or is "".
	unknown string
	failed  bool
	outcome *Outcome
}

// find reports something about an entry, or that it is allowed.
func (e *entry) find(r krm.Report, severity framework.Severity, code v1alpha1.Finding, c krm.Change, message string) {
	if slices.Contains(e.Allow, code) {
		r.Add(framework.Info, c, "%s (allowed: %s)", message, code)
		e.outcome.Exceptions = append(e.outcome.Exceptions, fmt.Sprintf("%s: %s: %s", e.at, code, message))
		return
	}
	e.failed = e.failed || severity == framework.Error
	r.Add(severity, c, "%s", message)
}

// roots resolves the bundle for the controllers of some namespaces. What there
// is to say about it is said once.
func (t *transform) roots(namespaces []string) *roots {
	key := strings.Join(namespaces, ",")
	if resolved, ok := t.resolved[key]; ok {
		return resolved
	}
	resolved := &roots{}
	t.resolved[key] = resolved
	used := map[string]bool{}
	var entries []*entry
	for i := range t.config.Spec.CABundle {
		e := &entry{CABundleEntry: &t.config.Spec.CABundle[i], at: fmt.Sprintf("spec.caBundle[%d]", i), report: t.configReport(), outcome: &t.outcome}
		entries = append(entries, e)
		s, err := t.resolve(e, namespaces, used)
		if err != nil {
			e.failed = true
			e.report.Fail(err)
		}
		e.checkPins()
		if e.failed {
			resolved.err = errUnusable
		}
		resolved.sources = append(resolved.sources, s)
	}
	if resolved.err == nil {
		resolved.digest = t.digest(entries, resolved)
	}
	return resolved
}

// configReport returns the report of the config itself.
func (t *transform) configReport() krm.Report {
	r := t.report
	r.Ref = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: v1alpha1.GroupVersion, Kind: v1alpha1.Kind},
		NameMeta: yaml.NameMeta{Name: t.config.Metadata.Name},
	}
	return r
}

// resolve finds the object of an entry, checks its content and returns the
// source of the volume.
func (t *transform) resolve(e *entry, namespaces []string, used map[string]bool) (source, error) {
	switch {
	case e.Inline != nil:
		return t.resolveInline(e, used)
	case e.ClusterTrustBundle != nil:
		return t.resolveClusterTrustBundle(e, used)
	case e.Secret != nil:
		return t.resolveKeys(e, secretKind, e.Secret.Name, e.Secret.Keys, namespaces, used)
	default:
		return t.resolveKeys(e, configMapKind, e.ConfigMap.Name, e.ConfigMap.Keys, namespaces, used)
	}
}

func (t *transform) resolveKeys(e *entry, kind, name string, keys, namespaces []string, used map[string]bool) (source, error) {
	path := e.at + "." + strings.ToLower(kind[:1]) + kind[1:]
	p := t.provider(kind, name, namespaces)
	if p == nil {
		e.unknown = "it is not in the stream"
		t.reportNotInStream(e, kind, name, namespaces)
		if len(keys) == 0 && (len(t.config.Spec.CABundle) > 1 || t.config.Spec.Mount.Method == v1alpha1.File) {
			return source{}, keysNotKnown(path, kind, name)
		}
		return newSource(e.CABundleEntry, name, name, keys, used)
	}

	t.used[p] = true
	if p.err != nil {
		p.report.Fail(p.err)
		return source{}, errUnusable
	}
	if err := t.checkUnique(p, path, kind, name, namespaces); err != nil {
		return source{}, err
	}
	e.unknown = p.unknown
	listed := len(keys) > 0
	if !listed {
		keys = p.keys()
	}
	if len(keys) == 0 {
		return source{}, keysNotKnown(path, kind, name)
	}
	if p.TextOr("kind") != kind { // a trust-manager Bundle, which is no such object itself
		e.checkKeys(p, keys, path)
		return newSource(e.CABundleEntry, name, name, keys, used)
	}
	if namespaces[0] == "" && p.namespaces[0] != "" {
		e.find(p.report, framework.Warning, v1alpha1.NotInStream, krm.Change{Path: "metadata.namespace"}, fmt.Sprintf(
			"is %s, and the controllers have none; both must end up in the same namespace", quote.Name(p.namespaces[0])))
	}
	if namespace := namespaces[0]; namespace != "" && slices.Equal(p.namespaces, []string{""}) {
		e.find(p.report, framework.Warning, v1alpha1.NotInStream, krm.Change{Path: "metadata.namespace"}, fmt.Sprintf(
			"is missing, and the controllers are in %s; write namespace: %s, also on a configMapGenerator, or kustomize does not link the two", quote.Name(namespace), quote.Name(namespace)))
	}
	if p.unknown == "" {
		e.check(p, keys, path, listed)
	} else {
		e.checkKeys(p, keys, path)
	}
	s, err := newSource(e.CABundleEntry, t.actualName(p, name), name, keys, used)
	s.settled = true
	return s, err
}

// checkKeys looks for keys of an object whose content is not known. OpenShift
// adds keys; everybody else leaves their names readable.
func (e *entry) checkKeys(p *provider, keys []string, path string) {
	for _, key := range keys {
		if _, ok := p.values[key]; !ok && !e.Optional && p.unknown != openShiftFills {
			e.failed = true
			e.report.Add(framework.Error, krm.Change{Path: path + ".keys"}, "%s %s has no key %q; it has %s", p.kind, quote.Name(p.names[0]), key, orNone(p.keys()))
		}
	}
}

func keysNotKnown(path, kind, name string) error {
	return &krm.FieldError{Path: path + ".keys", Message: fmt.Sprintf("the keys of %s %q are not known; write them here", kind, name)}
}

// provider returns the object of the stream that an entry names, or nil.
func (t *transform) provider(kind, name string, namespaces []string) *provider {
	var best *provider
	for _, p := range t.providers {
		rank := p.rank(kind, name, namespaces)
		if rank >= 0 && (best == nil || rank < best.rank(kind, name, namespaces)) {
			best = p
		}
	}
	return best
}

// checkUnique refuses two objects of finished builds that fit a name equally
// well: nothing says which of them is the one of today.
func (t *transform) checkUnique(p *provider, path, kind, name string, namespaces []string) error {
	for _, other := range t.providers {
		if other != p && other.names[0] != p.names[0] && other.rank(kind, name, namespaces) == p.rank(kind, name, namespaces) {
			return &krm.FieldError{Path: path, Message: fmt.Sprintf("both %s and %s in the stream may be meant; remove the old one", quote.Name(p.names[0]), quote.Name(other.names[0]))}
		}
	}
	return nil
}

// reportNotInStream says that an object is somebody else's to provide, or that
// it is in the wrong namespace.
func (t *transform) reportNotInStream(e *entry, kind, name string, namespaces []string) {
	r := t.report
	r.Ref = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: "v1", Kind: kind},
		NameMeta: yaml.NameMeta{Name: name, Namespace: quote.Name(namespaces[0])},
	}
	elsewhere := t.provider(kind, name, []string{""})
	switch {
	case e.Optional:
		r.Add(framework.Info, krm.Change{}, "is not in the stream and optional: the pods start without it, and trust it after a restart")
	case elsewhere != nil:
		e.find(r, framework.Error, v1alpha1.NotInStream, krm.Change{}, fmt.Sprintf(
			"the stream has it in namespace %s only, from where the controllers cannot mount it; put it into namespace %s, or allow NotInStream on its entry if something copies it there",
			quote.Name(elsewhere.namespaces[0]), quote.Name(namespaces[0])))
	default:
		e.find(r, framework.Warning, v1alpha1.NotInStream, krm.Change{}, "is not in the stream"+t.similar(kind)+
			", so it must exist before Flux starts, or the pods hang in ContainerCreating; allow: [NotInStream] on its entry says that it will, optional: true lets the pods start without it")
	}
}

// similar names an object of the stream that may have been meant.
func (t *transform) similar(kind string) string {
	var names []string
	for _, p := range t.providers {
		if p.kind == kind && p.unknown == "" && slices.ContainsFunc(slices.Collect(maps.Values(p.values)), func(v value) bool {
			return bytes.Contains(v.text, []byte("-----BEGIN CERTIFICATE-----"))
		}) {
			names = append(names, p.names[0])
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (which has " + strings.Join(quote.Each(quote.Name, names), ", ") + ")"
}

// check reads the keys of an object. What it finds is reported at the object.
func (e *entry) check(p *provider, keys []string, path string, listed bool) {
	size := 0
	for _, v := range p.values {
		size += len(v.text)
	}
	if size > bundle.MaxSize {
		e.failed = true
		p.report.Add(framework.Error, krm.Change{Path: "data"}, "has %d KiB in all its keys; the API server takes at most %d KiB", size>>10, bundle.MaxSize>>10)
	}
	for _, key := range keys {
		v, ok := p.values[key]
		switch {
		case !ok && e.Optional:
			e.unknown = "an optional key is missing"
			p.report.Add(framework.Warning, krm.Change{Path: "data"}, "has no key %q, which %s names; it has %s", key, path, orNone(p.keys()))
		case !ok:
			e.failed = true
			e.report.Add(framework.Error, krm.Change{Path: path + ".keys"}, "%s %s has no key %q; it has %s", p.kind, quote.Name(p.names[0]), key, orNone(p.keys()))
		case v.err != nil:
			e.failed = true
			p.report.Add(framework.Error, krm.Change{Path: v.path}, "%s", v.err)
		case p.unknownValue(v) != "" && !bytes.Contains(v.text, []byte("PRIVATE KEY-----")):
			if e.unknown = p.unknownValue(v); e.unknown == substituted {
				p.report.Add(framework.Warning, krm.Change{Path: v.path}, "holds a ${…}: Flux's substitution strips the newlines of a value, and Go trusts nothing of a PEM without them; write the certificate itself")
			}
		default:
			hint := ""
			if !listed && len(keys) > 1 {
				hint = "; if this is no certificate, list the keys that are under " + path + ".keys"
			}
			e.read(p.report, v.path, v.text, hint)
		}
	}
}

func orNone(keys []string) string {
	if len(keys) == 0 {
		return "none"
	}
	return strings.Join(quote.Each(quote.Key, keys), ", ")
}

// read parses certificates and reports what is wrong with them.
func (e *entry) read(r krm.Report, path string, text []byte, hint string) {
	certificates, findings := bundle.Parse(text)
	findings = append(findings, bundle.Check(certificates, r.Now)...)
	for _, f := range findings {
		severity := framework.Warning
		if f.Fatal() {
			severity = framework.Error
		}
		message := f.String()
		if f.Code == bundle.Malformed {
			message += hint
		}
		e.find(r, severity, v1alpha1.Finding(f.Code), krm.Change{Path: path}, message)
	}
	e.certificates = append(e.certificates, certificates...)
	for _, c := range certificates {
		e.outcome.Roots = append(e.outcome.Roots, Root{
			Source: strings.TrimPrefix(r.Ref.Kind+" "+r.Ref.Namespace+"/"+r.Ref.Name+", "+quote.FieldPath(path), " "), Subject: c.Subject.String(),
			Fingerprint: bundle.Fingerprint(c.Certificate), NotAfter: c.NotAfter.UTC(),
		})
	}
}

func (t *transform) resolveInline(e *entry, used map[string]bool) (source, error) {
	path := e.at + ".inline.pem"
	if strings.Contains(e.Inline.PEM, "${") {
		return source{}, &krm.FieldError{Path: path, Message: "holds a ${…}; Flux's substitution strips the newlines of a PEM, so write the certificate itself"}
	}
	e.read(e.report, path, []byte(e.Inline.PEM), "")
	return newSource(e.CABundleEntry, inlineName(e.Inline), e.Inline.Name, []string{v1alpha1.DefaultSecretKey}, used)
}

func (t *transform) resolveClusterTrustBundle(e *entry, used map[string]bool) (source, error) {
	c := e.ClusterTrustBundle
	e.find(e.report, framework.Warning, v1alpha1.KubernetesVersion, krm.Change{Path: e.at + ".clusterTrustBundle"},
		"needs Kubernetes 1.37; before that, an API server and kubelets with the feature gates ClusterTrustBundle and ClusterTrustBundleProjection (1.33)")
	selector, err := labels.Parse(c.LabelSelector)
	if err != nil {
		return source{}, &krm.FieldError{Path: e.at + ".clusterTrustBundle.labelSelector", Message: err.Error()}
	}
	found := false
	for _, p := range t.providers {
		named := c.Name != "" && p.is(clusterTrustBundleKind, c.Name, nil)
		signed := c.SignerName != "" && p.TextOr("spec", "signerName") == c.SignerName && selector.Matches(labels.Set(p.labels))
		if p.kind != clusterTrustBundleKind || !named && !signed {
			continue
		}
		found = true
		if e.unknown = p.unknown; e.unknown == "" {
			e.check(p, []string{trustBundleKey}, e.at+".clusterTrustBundle", true)
		}
	}
	switch {
	case c.SignerName != "":
		e.unknown = "the cluster may have more bundles of this signer"
	case !found:
		e.unknown = "it is not in the stream"
		t.reportNotInStream(e, clusterTrustBundleKind, c.Name, []string{""})
	}
	return newSource(e.CABundleEntry, "", "", nil, used)
}
