package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// What leaves the program as a message passes one of the functions of this file, so
// that nothing of the input ends a line, starts one, or reaches a terminal as a
// command. That no key is in it is seen to where a message is made, and once more here.

// printError writes an error to stderr.
func printError(errOut io.Writer, err error) {
	var text strings.Builder
	for _, line := range errorLines(err) {
		fmt.Fprintf(&text, "flux-trust: error: %s\n", line)
	}
	// Where stderr is closed there is nobody left to tell.
	_, _ = io.WriteString(errOut, text.String())
}

// errorLines returns the lines of an error: those of a config have several.
func errorLines(err error) []string {
	if invalid := (*v1alpha1.InvalidError)(nil); errors.As(err, &invalid) {
		return quote.Lines(strings.Split(invalid.Error(), "\n"))
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var lines []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, errorLines(e)...)
		}
		return lines
	}
	return []string{quote.Line(err.Error())}
}

// warn writes a warning to stderr.
func warn(errOut io.Writer, text string) {
	_, _ = fmt.Fprintf(errOut, "flux-trust: warning: %s\n", quote.Line(text))
}

// paragraph returns a message whose further lines are an example that belongs to it.
func paragraph(message string) string {
	return strings.Join(quote.Lines(strings.Split(message, "\n")), "\n    ")
}

// safeResults returns results that may be written to a stream or into a report.
func safeResults(results krm.Results) krm.Results {
	safe := make(krm.Results, len(results))
	for i, r := range results {
		c := *r
		c.Message = paragraph(r.Message)
		if r.ResourceRef != nil {
			c.ResourceRef = &yaml.ResourceIdentifier{
				TypeMeta: yaml.TypeMeta{APIVersion: quote.Line(r.ResourceRef.APIVersion), Kind: quote.Line(r.ResourceRef.Kind)},
				NameMeta: yaml.NameMeta{Name: quote.Line(r.ResourceRef.Name), Namespace: quote.Line(r.ResourceRef.Namespace)},
			}
		}
		if r.File != nil {
			c.File = &krm.File{Path: quote.Line(r.File.Path), Index: r.File.Index}
		}
		if r.Field != nil {
			c.Field = &krm.ResultField{Path: quote.FieldPath(r.Field.Path), CurrentValue: safeValue(r.Field.CurrentValue), ProposedValue: safeValue(r.Field.ProposedValue)}
		}
		safe[i] = &c
	}
	return safe
}

// safeValue makes a line of a string.
func safeValue(value any) any {
	if text, ok := value.(string); ok {
		return quote.Line(text)
	}
	return value
}

// safeReports returns reports of the probe that may be printed: hosts choose the names
// in their certificates, and registries what they answer.
func safeReports(reports []probe.Report) []probe.Report {
	safe := make([]probe.Report, len(reports))
	for i, r := range reports {
		r.Source, r.Host, r.Proxy, r.Expected = quote.Line(r.Source), quote.Line(r.Host), quote.Line(r.Proxy), quote.Line(r.Expected)
		r.TrustedBy, r.Notes = quote.Lines(r.TrustedBy), quote.Lines(r.Notes)
		chain := make([]probe.Certificate, len(r.Chain))
		for j, c := range r.Chain {
			c.Subject, c.Issuer = quote.Line(c.Subject), quote.Line(c.Issuer)
			chain[j] = c
		}
		r.Chain = chain
		if r.Failure != nil {
			f := *r.Failure
			f.Error, f.Cure = quote.Line(f.Error), quote.Line(f.Cure)
			r.Failure = &f
		}
		if r.Inspector != nil {
			inspector := *r.Inspector
			inspector.Subject, inspector.Why = quote.Line(inspector.Subject), quote.Line(inspector.Why)
			r.Inspector = &inspector
		}
		safe[i] = r
	}
	return safe
}
