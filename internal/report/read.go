package report

import (
	"bytes"
	"encoding/json"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Read reads the JSON of a report, and reports whether it is one.
func Read(text []byte) (*Report, bool) {
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	r := &Report{}
	if json.Unmarshal(text, r) != nil || r.Tool == "" || r.Roots == nil {
		return nil, false
	}
	r.Unknown = r.saysUnknown()
	return r, true
}

// saysUnknown returns what the findings of a report say about roots that are not among
// its own, or "".
func (r *Report) saysUnknown() string {
	if len(r.Roots) == 0 {
		return "the report names none"
	}
	for _, f := range r.Folders {
		if f.Unknown != "" {
			return f.Path + ": " + f.Unknown
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		ofBundle := f.ResourceRef != nil && f.ResourceRef.Kind == v1alpha1.Kind && strings.HasPrefix(f.path(), "spec.caBundle")
		if ofBundle && (f.Severity == krm.Info && f.path() == "spec.caBundle" || f.Severity == krm.Error && f.path() != "spec.caBundle") {
			return f.Message
		}
	}
	return ""
}
