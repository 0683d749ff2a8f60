package command

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/transformer"
)

// reportFlags are those of a command that prints a report.
type reportFlags struct {
	output string
}

func (f *reportFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", report.Names()[0], strings.Join(report.Names(), ", "))
	completeOutput(cmd, report.Names()...)
}

func (f *reportFlags) validate() error {
	if _, ok := report.Find(f.output); !ok {
		return fmt.Errorf("-o %s is not known; write one of %s", f.output, strings.Join(report.Names(), ", "))
	}
	return nil
}

// print writes a report. What is wrong is in it, so the error is said already.
func (f *reportFlags) print(out io.Writer, r *report.Report) error {
	r.Judge()
	format, _ := report.Find(f.output) // validate has looked
	text, err := format.Print(r)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	if !r.Valid {
		return errReported
	}
	return nil
}

// newReport returns a report without findings.
func newReport(version, configFile, configName string, config []byte, now time.Time) *report.Report {
	sum := sha256.Sum256(config)
	return &report.Report{
		Tool: programName, Version: version, Time: now.UTC().Truncate(time.Second),
		Config: quote.Line(configFile), ConfigName: quote.Line(configName), ConfigDigest: "sha256:" + hex.EncodeToString(sum[:]),
	}
}

// addOutcome adds what came of a run.
func addOutcome(r *report.Report, o transformer.Outcome) {
	r.Controllers += o.Controllers
	for _, root := range o.Roots {
		root.Source, root.Subject = quote.Line(root.Source), quote.Line(root.Subject)
		r.Roots = append(r.Roots, root)
	}
	for _, v := range o.Verdicts {
		v.Name, v.Namespace, v.Violations, v.Excepted = quote.Name(v.Name), quote.Name(v.Namespace), quote.Lines(v.Violations), quote.Each(quote.Name, v.Excepted)
		r.Verdicts = append(r.Verdicts, v)
	}
	r.Exceptions = append(r.Exceptions, quote.Lines(o.Exceptions)...)
	r.Findings = append(r.Findings, findings(o)...)
}

// findings returns what came of a run as lines that may be shown.
func findings(o transformer.Outcome) []report.Finding {
	safe := make([]report.Finding, len(o.Findings))
	for i, result := range safeResults(o.Results()) {
		safe[i] = report.Finding{Code: o.Findings[i].Code, Result: *result}
	}
	return safe
}
