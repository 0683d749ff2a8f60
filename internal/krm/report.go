package krm

import (
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Report collects results. A report of one resource names it in every result.
type Report struct {
	Results *framework.Results
	Ref     *yaml.ResourceIdentifier
	File    *framework.File
	// Now is the time of the run.
	Now time.Time
	// Validate tells that nothing is to be changed.
	Validate bool

	// Findings gets findings about Object instead of results, with the code Did where
	// they tell of a change, and Said where they do not.
	Findings          *Findings
	Object            *Object
	DidCode, SaidCode Code
}

// Of returns the report of one resource.
func (r Report) Of(object Field, file *framework.File) Report {
	r.File = file
	r.Ref = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: quote.APIVersion(object.TextOr("apiVersion")), Kind: quote.Kind(object.TextOr("kind"))},
		NameMeta: yaml.NameMeta{Name: quote.Name(object.TextOr("metadata", "name")), Namespace: quote.Name(object.TextOr("metadata", "namespace"))},
	}
	return r
}

// Change is a field before and after.
type Change struct {
	Path              string
	Current, Proposed any
}

// Add adds a result.
func (r Report) Add(severity framework.Severity, c Change, format string, args ...any) {
	if r.Findings != nil {
		r.Findings.Add(Severity(severity), r.SaidCode, r.Object, Difference(c), format, args...)
		return
	}
	result := &framework.Result{
		Message:     quote.Line(fmt.Sprintf(format, args...)),
		Severity:    severity,
		ResourceRef: r.Ref,
		File:        r.File,
	}
	if r.Ref != nil && c.Path != "" {
		result.Field = &framework.Field{Path: quote.FieldPath(c.Path), CurrentValue: safe(c.Current), ProposedValue: safe(c.Proposed)}
	}
	*r.Results = append(*r.Results, result)
}

// Did reports a change that was made. Where nothing is to be changed, the editor
// says what differs instead.
func (r Report) Did(severity framework.Severity, c Change, format string, args ...any) {
	r.SaidCode = r.DidCode
	if !r.Validate {
		r.Add(severity, c, format, args...)
	}
}

// Differs reports a field that is not as configured.
func (r Report) Differs(c Change, message string) {
	r.Add(framework.Error, c, "%s", message)
}

// Fail reports an error, at its field where it has one.
func (r Report) Fail(err error) {
	if errors.Is(err, ErrReported) {
		return
	}
	if at := (*FieldError)(nil); errors.As(err, &at) && r.Ref != nil {
		r.Add(framework.Error, Change{Path: at.Path}, "%s", at.Message)
		return
	}
	r.Add(framework.Error, Change{}, "%s", err)
}
