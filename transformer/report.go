package transformer

import (
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// report collects results. A report of one resource names it in every result.
type report struct {
	results *framework.Results
	ref     *yaml.ResourceIdentifier
	file    *framework.File
	// now is the time of the run.
	now time.Time
	// validate tells that nothing is to be changed.
	validate bool
}

// of returns the report of one resource.
func (r report) of(object field, file *framework.File) report {
	r.file = file
	r.ref = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: object.textOr("apiVersion"), Kind: object.textOr("kind")},
		NameMeta: yaml.NameMeta{Name: object.textOr("metadata", "name"), Namespace: object.textOr("metadata", "namespace")},
	}
	return r
}

// change is a field before and after.
type change struct {
	path              string
	current, proposed any
}

func (r report) add(severity framework.Severity, c change, format string, args ...any) {
	result := &framework.Result{
		Message:     fmt.Sprintf(format, args...),
		Severity:    severity,
		ResourceRef: r.ref,
		File:        r.file,
	}
	if r.ref != nil && c.path != "" {
		result.Field = &framework.Field{Path: c.path, CurrentValue: c.current, ProposedValue: c.proposed}
	}
	*r.results = append(*r.results, result)
}

// did reports a change that was made. Where nothing is to be changed, the editor
// says what differs instead.
func (r report) did(severity framework.Severity, c change, format string, args ...any) {
	if !r.validate {
		r.add(severity, c, format, args...)
	}
}

// differs reports a field that is not as configured.
func (r report) differs(c change, message string) {
	r.add(framework.Error, c, "%s", message)
}

// fail reports an error, at its field where it has one.
func (r report) fail(err error) {
	if errors.Is(err, errUnusable) {
		return // the bundle has its own results
	}
	if at := (*fieldError)(nil); errors.As(err, &at) && r.ref != nil {
		r.add(framework.Error, change{path: at.path}, "%s", at.message)
		return
	}
	r.add(framework.Error, change{}, "%s", err)
}

// count names a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
