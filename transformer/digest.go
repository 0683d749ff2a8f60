package transformer

import (
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Root is a certificate of the bundle whose content is known.
type Root struct {
	// Source is the object and the field that holds it.
	Source string `json:"source"`
	// Subject is the distinguished name.
	Subject string `json:"subject"`
	// Fingerprint is sha256:<hex>.
	Fingerprint string `json:"fingerprint"`
	// NotAfter is the end of its validity, in UTC.
	NotAfter time.Time `json:"notAfter"`
}

// checkPins holds the certificates against the fingerprints of the config.
func (e *entry) checkPins() {
	if len(e.Fingerprints) == 0 || e.failed {
		return
	}
	at := krm.Change{Path: e.at + ".fingerprints"}
	if e.unknown != "" {
		severity := framework.Warning
		if e.report.Validate {
			severity = framework.Error
		}
		e.report.Add(severity, at, "cannot be checked, because the content is not known: %s", e.unknown)
		return
	}
	var found []string
	for _, c := range e.certificates {
		fingerprint := bundle.Fingerprint(c.Certificate)
		found = append(found, fingerprint)
		if !slices.Contains(e.Fingerprints, fingerprint) {
			e.failed = true
			e.report.Add(framework.Error, at, "the bundle holds %s with the fingerprint %s, which is not pinned; check it, then add it here, or take it out of the bundle", c.Name(), fingerprint)
		}
	}
	for _, pinned := range e.Fingerprints {
		if !slices.Contains(found, pinned) {
			e.failed = true
			e.report.Add(framework.Error, at, "no certificate of the bundle has the pinned fingerprint %s; put it into the bundle, or remove the pin", pinned)
		}
	}
}

// digest returns the digest of all certificates, if all are known, and checks
// what can be said of all of them together.
func (t *transform) digest(entries []*entry, resolved *roots) string {
	var certificates []bundle.Certificate
	seen := map[string]*entry{}
	unknown, allowed := "", true
	for _, e := range entries {
		if e.unknown != "" {
			unknown = e.at + ": " + e.unknown
		}
		for _, c := range e.certificates {
			fingerprint := bundle.Fingerprint(c.Certificate)
			if first, ok := seen[fingerprint]; ok && first != e {
				e.find(e.report, framework.Warning, v1alpha1.Finding(bundle.Duplicate), krm.Change{Path: e.at},
					fmt.Sprintf("%s stands in %s already; remove one", c.Name(), first.at))
			}
			seen[fingerprint] = e
		}
		certificates = append(certificates, e.certificates...)
		allowed = allowed && slices.Contains(e.Allow, v1alpha1.Finding(bundle.Expired))
	}
	resolved.certificates, resolved.unknown = certificates, unknown
	if unknown != "" {
		t.configReport().Add(framework.Info, krm.Change{Path: "spec.caBundle"}, "the pods do not restart by themselves when the CA bundle changes, because its content is not known (%s); restart them after a change", unknown)
		return ""
	}
	if !bundle.Valid(certificates, t.report.Now) && !allowed {
		t.configReport().Add(framework.Error, krm.Change{Path: "spec.caBundle"}, "no certificate of the bundle is valid today; add one that is")
		resolved.err = errUnusable
	}
	return bundle.Digest(certificates)
}
