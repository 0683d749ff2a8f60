package krm

import (
	"fmt"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Severity is how grave a finding is, in the words of the results of a
// ResourceList.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Code names a kind of finding. It is CamelCase, stable, and documented.
type Code string

// Codes of errors that any object may have.
const (
	// WrongType is a value of another type than Kubernetes accepts.
	WrongType Code = "WrongType"
	// DuplicateKey is a key that appears twice in a mapping.
	DuplicateKey Code = "DuplicateKey"
	// Aliases are aliases or merge keys that cannot be expanded.
	Aliases Code = "Aliases"
	// Unspecified is an error that nothing has named.
	Unspecified Code = "Unspecified"
)

// Finding is one thing to tell.
type Finding struct {
	// Object that the finding is about, or nil.
	Object *Object
	Code   Code
	Severity
	// Difference has the path of the field, or is empty.
	Difference
	Message string
}

// Findings collects what there is to tell.
type Findings []Finding

// Add adds a finding about an object. The message is made as by fmt.Sprintf.
func (f *Findings) Add(severity Severity, code Code, about *Object, d Difference, format string, args ...any) {
	*f = append(*f, Finding{Object: about, Code: code, Severity: severity, Difference: d.safe(), Message: quote.Line(fmt.Sprintf(format, args...))})
}

// Fail adds the finding that an error about an object is.
func (f *Findings) Fail(about *Object, err error) {
	if failure, ok := about.Failure(err); ok {
		*f = append(*f, failure)
	}
}

// Failed reports whether a finding is an error.
func (f Findings) Failed() bool {
	for _, finding := range f {
		if finding.Severity == Error {
			return true
		}
	}
	return false
}
