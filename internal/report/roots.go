package report

import (
	"fmt"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// Changes are the roots that are trusted now and were not before, and the other way
// round.
type Changes struct {
	// Since says what it was before.
	Since   string       `json:"since"`
	Added   []trust.Root `json:"added"`
	Removed []trust.Root `json:"removed"`
	// Unknown are what cannot be said, each in a sentence.
	Unknown []string `json:"unknown,omitempty"`
}

// Compare says which roots were added and removed. Where not all of before are known,
// nothing is said of what was added; where not all of now are, of what was removed.
func (r *Report) Compare(since string, before []trust.Root, unknownBefore string) {
	c := &Changes{Since: since, Added: []trust.Root{}, Removed: []trust.Root{}}
	if unknownBefore == "" {
		c.Added = append(c.Added, without(r.Roots, before)...)
	} else { // no finding: what was wrong before must not stop what makes it right
		c.Unknown = append(c.Unknown, fmt.Sprintf("which roots were added since %s cannot be said, because not all that were trusted then are known (%s)", since, unknownBefore))
	}
	if r.Unknown == "" {
		c.Removed = append(c.Removed, without(before, r.Roots)...)
	} else {
		text := fmt.Sprintf("which roots were removed since %s cannot be said, because not all that are trusted now are known (%s)", since, r.Unknown)
		c.Unknown = append(c.Unknown, text)
		r.unchecked(krm.Warning, text+"; give the objects of spec.caBundle as inputs")
	}
	r.Changes = c
}

// without returns roots that do not stand in another list, each once.
func without(roots, others []trust.Root) []trust.Root {
	var left []trust.Root
	seen := map[string]bool{}
	for _, root := range others {
		seen[root.Fingerprint] = true
	}
	for _, root := range roots {
		if !seen[root.Fingerprint] {
			left = append(left, root)
		}
		seen[root.Fingerprint] = true
	}
	return left
}

// CheckExpiry finds roots that expire within a time, in words as the user has given it.
func (r *Report) CheckExpiry(within time.Duration, words string) {
	switch {
	case r.Unknown != "":
		r.unchecked(krm.Error, fmt.Sprintf("whether a root expires within %s cannot be said, because not all are known (%s); give the objects of spec.caBundle as inputs", words, r.Unknown))
	case len(r.Roots) == 0:
		r.unchecked(krm.Error, fmt.Sprintf("whether a root expires within %s cannot be said, because there is none", words))
	}
	end := r.Time.Add(within)
	lasting := map[string]bool{} // subjects of roots that outlive the time
	for _, root := range r.Roots {
		lasting[root.Subject] = lasting[root.Subject] || root.NotAfter.After(end)
	}
	for _, root := range without(r.Roots, nil) {
		if root.NotAfter.After(end) || slices.Contains(root.Allowed, v1alpha1.Finding(expiryCode(root, r.Time))) {
			continue
		}
		f := Finding{Code: codes.ExpiresWithin, Result: krm.Result{Severity: krm.Error}}
		cure := "add its successor beside it now"
		if lasting[root.Subject] {
			f.Severity, cure = krm.Warning, "its successor is in the bundle, so take it out once no server needs it"
		}
		f.Message = fmt.Sprintf("%s: %s expires on %s, within %s; %s, or write allow: [%s] on its entry", root.Source, root.Subject, root.NotAfter.Format(time.DateOnly), words, cure, expiryCode(root, r.Time))
		r.Findings = append(r.Findings, f)
	}
}

func expiryCode(root trust.Root, now time.Time) bundle.Code {
	if root.NotAfter.Before(now) {
		return bundle.Expired
	}
	return bundle.ExpiresSoon
}

func (r *Report) unchecked(severity krm.Severity, message string) {
	r.Findings = append(r.Findings, Finding{Code: codes.Unchecked, Result: krm.Result{Severity: severity, Message: message}})
}
