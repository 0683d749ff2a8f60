package trust

import (
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Bundle is the CA bundle as the controllers of a namespace see it.
type Bundle struct {
	// Projections are those of the volume, one per entry of the config.
	Projections []Projection
	// Certificates are those of all entries whose content is known.
	Certificates []bundle.Certificate
	// Unknown says why the content of an entry is not known, or is "".
	Unknown string
	// Digest of all certificates, or "" where one is not known.
	Digest string
	// Roots are the certificates with where they come from, for a report.
	Roots []Root
	// Exceptions are the findings that the config allows.
	Exceptions []string
	// Stores are the objects that entries name.
	Stores []*inventory.Store
	// Unusable is set where the bundle must not be used. The findings say why.
	Unusable bool
}

// PEM returns the certificates as a text.
func (b Bundle) PEM() string {
	var text strings.Builder
	for _, c := range b.Certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return text.String()
}

// Root is a certificate of the bundle.
type Root struct {
	// Source is the object and the field that holds it.
	Source string `json:"source"`
	// Subject is the distinguished name.
	Subject string `json:"subject"`
	// Fingerprint is sha256:<hex>.
	Fingerprint string `json:"fingerprint"`
	// NotAfter is the end of its validity, in UTC.
	NotAfter time.Time `json:"notAfter"`

	// Allowed are the findings that its entry takes as reported exceptions.
	Allowed []v1alpha1.Finding `json:"-"`
}

// Options say under which conditions a bundle is resolved.
type Options struct {
	// Now is the time of the run.
	Now time.Time
	// FollowsNames is set where kustomize builds the objects and what refers to them
	// together, and gives both the new name.
	FollowsNames bool
	// Versions are those of the controllers: what they are built with decides which
	// roots they trust.
	Versions flux.Versions
	// NegativeSerials is set where the controllers are told to read such certificates.
	NegativeSerials bool
}

// controllers returns the Go of the controllers whose version is known.
func (o Options) controllers() []bundle.Go {
	var found []bundle.Go
	built := o.Versions.Go()
	for _, of := range slices.Sorted(maps.Keys(built)) {
		if g, err := bundle.ParseGo(built[of].Version, built[of].Language, of); err == nil {
			g.NegativeSerials = o.NegativeSerials
			found = append(found, g)
		}
	}
	if len(found) == 0 && o.NegativeSerials {
		found = []bundle.Go{{NegativeSerials: true}}
	}
	return found
}

// Resolve finds the objects of a bundle for controllers in some namespaces (the
// present one first), reads their certificates, and says what is wrong with them.
func Resolve(c *v1alpha1.FluxTrust, stores *inventory.Stores, namespaces []string, o Options) (Bundle, krm.Findings) {
	r := &resolver{config: c, about: About(c), stores: stores, namespaces: namespaces, options: o, files: map[string]bool{}}
	var entries []*entry
	for i := range c.Spec.CABundle {
		e := &entry{CABundleEntry: &c.Spec.CABundle[i], at: fmt.Sprintf("spec.caBundle[%d]", i)}
		projection, err := r.resolve(e)
		if err != nil {
			e.failed = true
			r.found.Fail(r.about, err)
		}
		r.checkPins(e)
		r.bundle.Unusable = r.bundle.Unusable || e.failed
		r.bundle.Projections = append(r.bundle.Projections, projection)
		entries = append(entries, e)
	}
	if !r.bundle.Unusable {
		r.complete(entries)
	}
	return r.bundle, r.found
}

// About returns the object that findings about a config name.
func About(c *v1alpha1.FluxTrust) *krm.Object {
	return krm.Reference(v1alpha1.GroupVersion, v1alpha1.Kind, "", c.Metadata.Name)
}

// resolver resolves one bundle.
type resolver struct {
	config     *v1alpha1.FluxTrust
	about      *krm.Object
	stores     *inventory.Stores
	namespaces []string
	options    Options
	// files are the names that are taken in the volume.
	files  map[string]bool
	bundle Bundle
	found  krm.Findings
}

// entry is an entry of the bundle while it is being resolved.
type entry struct {
	*v1alpha1.CABundleEntry
	at string // its path in the config
	// certificates are those of its known content.
	certificates []bundle.Certificate
	// unknown says why its content is not known, or is "". It is marked where an object
	// is in the stream, and a mark says that its content is not what counts.
	unknown string
	marked  bool
	failed  bool
}

// find reports something about an entry, or that it is allowed.
func (r *resolver) find(e *entry, about *krm.Object, severity krm.Severity, code krm.Code, path, message string) {
	if slices.Contains(e.Allow, v1alpha1.Finding(code)) {
		r.found.Add(krm.Info, code, about, krm.At(path), "%s (allowed: %s)", message, code)
		r.bundle.Exceptions = append(r.bundle.Exceptions, fmt.Sprintf("%s: %s: %s", e.at, code, message))
		return
	}
	if slices.Contains(bundle.Codes(), bundle.Code(code)) {
		message += fmt.Sprintf("; allow: [%s] on its entry takes it as it is", code)
	}
	r.report(e, about, severity, code, path, "%s", message)
}

// report reports something about an entry that no exception can help.
func (r *resolver) report(e *entry, about *krm.Object, severity krm.Severity, code krm.Code, path, format string, args ...any) {
	e.failed = e.failed || severity == krm.Error
	r.found.Add(severity, code, about, krm.At(path), format, args...)
}

// checkPins holds the certificates against the fingerprints of the config.
func (r *resolver) checkPins(e *entry) {
	at := e.at + ".fingerprints"
	switch {
	case len(e.Fingerprints) == 0 || e.failed:
		return
	case e.marked:
		r.report(e, r.about, krm.Error, codes.Unchecked, at, "cannot be checked: %s, so what stands in the stream is not what counts; write the certificates themselves, or remove the pins", e.unknown)
		return
	case e.unknown != "":
		r.report(e, r.about, krm.Warning, codes.Unchecked, at, "cannot be checked, because the content is not known: %s", e.unknown)
	}
	var found []string
	for _, c := range e.certificates {
		fingerprint := bundle.Fingerprint(c.Certificate)
		found = append(found, fingerprint)
		if !slices.Contains(e.Fingerprints, fingerprint) {
			r.report(e, r.about, krm.Error, codes.NotPinned, at, "the bundle holds %s with the fingerprint %s, which is not pinned; check it, then add it here, or take it out of the bundle", c.Name(), fingerprint)
		}
	}
	for _, pinned := range e.Fingerprints {
		if e.unknown == "" && !slices.Contains(found, pinned) {
			r.report(e, r.about, krm.Error, codes.PinNotFound, at, "no certificate of the bundle has the pinned fingerprint %s; put it into the bundle, or remove the pin", pinned)
		}
	}
}

// complete says what can be said of all entries together.
func (r *resolver) complete(entries []*entry) {
	b, allowed := &r.bundle, true
	seen := map[string]*entry{}
	for _, e := range entries {
		if e.unknown != "" {
			b.Unknown = e.at + ": " + e.unknown
		}
		for _, c := range e.certificates {
			fingerprint := bundle.Fingerprint(c.Certificate)
			if first, ok := seen[fingerprint]; ok && first != e {
				r.find(e, r.about, krm.Warning, krm.Code(bundle.Duplicate), e.at, fmt.Sprintf("%s stands in %s already; remove one", c.Name(), first.at))
			}
			seen[fingerprint] = e
		}
		b.Certificates = append(b.Certificates, e.certificates...)
		allowed = allowed && slices.Contains(e.Allow, v1alpha1.Finding(bundle.Expired))
	}
	if b.Unknown != "" {
		r.found.Add(krm.Info, codes.RestartByHand, r.about, krm.At("spec.caBundle"),
			"the pods do not restart by themselves when the CA bundle changes, because its content is not known (%s); restart them after a change", b.Unknown)
		return
	}
	if !bundle.Valid(b.Certificates, r.options.Now) && !allowed {
		r.found.Add(krm.Error, codes.NoValidRoot, r.about, krm.At("spec.caBundle"), "no certificate of the bundle is valid today; add one that is")
		b.Unusable = true
	}
	b.Digest = bundle.Digest(b.Certificates)
}

// read parses certificates and reports what is wrong with them.
func (r *resolver) read(e *entry, about *krm.Object, path string, text []byte, hint string) {
	certificates, findings := bundle.Parse(text)
	findings = append(findings, bundle.Check(certificates, r.options.Now, r.options.controllers()...)...)
	for _, f := range findings {
		severity := krm.Warning
		if f.Fatal() {
			severity = krm.Error
		}
		message := f.String()
		if f.Unreadable() {
			message += hint
		}
		r.find(e, about, severity, krm.Code(f.Code), path, message)
	}
	e.certificates = append(e.certificates, certificates...)
	for _, c := range certificates {
		r.bundle.Roots = append(r.bundle.Roots, Root{
			Source:  strings.TrimSpace(quote.Kind(about.Kind())+" "+strings.TrimPrefix(quote.Name(about.Namespace())+"/"+quote.Name(about.Name()), "/")) + ", " + quote.FieldPath(path),
			Subject: c.Subject.String(), Fingerprint: bundle.Fingerprint(c.Certificate), NotAfter: c.NotAfter.UTC(), Allowed: e.Allow,
		})
	}
}
