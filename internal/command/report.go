package command

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/internal/trust"
	"fluxtrust.dev/flux-trust/transformer"
)

// reportFlags are those of a command that prints a report.
type reportFlags struct {
	output, failOn, expiresWithin string
	against                       []string
	// asked are the flags above that were written.
	asked []string
}

// areSet returns the flags that were written, of those that say when the exit code is 1.
func (f *reportFlags) areSet(cmd *cobra.Command) []string {
	var set []string
	for _, name := range []string{"fail-on", "expires-within", "against"} {
		if cmd.Flags().Changed(name) {
			set = append(set, "--"+name)
		}
	}
	return set
}

func (f *reportFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", report.Names()[0], strings.Join(report.Names(), ", "))
	completeOutput(cmd, report.Names()...)
	f.addLimits(cmd, "")
}

// reportHelp says what the formats are for.
func reportHelp() string {
	var out strings.Builder
	for _, f := range report.Formats() {
		fmt.Fprintf(&out, "\n  %-9s %s", f.Name, f.Help)
	}
	return out.String()
}

// addLimits adds the flags that say when the exit code is 1. The help of each starts
// with when it counts.
func (f *reportFlags) addLimits(cmd *cobra.Command, when string) {
	severities := []string{string(krm.Error), string(krm.Warning)}
	cmd.Flags().StringVar(&f.failOn, "fail-on", severities[0], when+"what exit code 1 means: error, or warning (a warning is enough)")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(severities, cobra.ShellCompDirectiveNoFileComp)) // there is one
	cmd.Flags().StringVar(&f.expiresWithin, "expires-within", "", when+"a root that expires within this `TIME` is an error (90d, 36h)")
	cmd.Flags().StringArrayVar(&f.against, "against", nil, when+"say which roots were added and removed since `FILE`: the input as it was, or a report that -o json has written")
}

func (f *reportFlags) validate(inputs []string) error {
	if _, ok := report.Find(f.output); !ok {
		return fmt.Errorf("-o %s is not known; write one of %s", f.output, strings.Join(report.Names(), ", "))
	}
	if f.failOn != string(krm.Error) && f.failOn != string(krm.Warning) {
		return fmt.Errorf("--fail-on %s is not known; write error or warning", f.failOn)
	}
	if slices.Contains(f.against, "-") && slices.Contains(inputs, "-") {
		return errors.New("stdin can be read once: - stands among the inputs, and behind --against")
	}
	_, err := f.within()
	return err
}

// within returns the time of --expires-within, or 0.
func (f *reportFlags) within() (time.Duration, error) {
	if f.expiresWithin == "" {
		return 0, nil
	}
	const day, longest = 24 * time.Hour, 36500
	within, err := time.ParseDuration(f.expiresWithin)
	if days, ok := strings.CutSuffix(f.expiresWithin, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); n > longest {
			return 0, fmt.Errorf("--expires-within %s is more than a hundred years", f.expiresWithin)
		}
		within = time.Duration(n) * day
	}
	if err != nil || within <= 0 {
		return 0, fmt.Errorf("--expires-within %s is not a duration; write days or hours: 90d, 36h", f.expiresWithin)
	}
	return within, nil
}

// judge completes a report whose roots are known.
func (f *reportFlags) judge(r *report.Report) error {
	within, err := f.within()
	if err != nil {
		return err
	}
	if within > 0 {
		r.CheckExpiry(within, f.expiresWithin)
	}
	r.FailOn = krm.Severity(f.failOn)
	r.Judge()
	return nil
}

// print writes a report. What is wrong is in it, so the error is said already.
func (f *reportFlags) print(out io.Writer, r *report.Report) error {
	if err := f.judge(r); err != nil {
		return err
	}
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

// past returns the roots of --against: those of an earlier report, or of a run over what
// the inputs were. Where not all are known, it says why.
func (f *reportFlags) past(configFile string, config *v1alpha1.FluxTrust, in io.Reader) (past report.Report, err error) {
	files, err := readTexts(configFile, f.against, in)
	if err != nil {
		return past, fmt.Errorf("--against: %w", err)
	}
	if len(files) == 1 {
		if known, ok := report.Read(files[0].Text); ok {
			addRoots(&past, known.Roots)
			past.Unknown = quote.Line(known.Unknown)
			return past, nil
		}
	}
	config = ofThen(config)
	outcome, err := look(config, files, time.Now())
	if err != nil {
		return past, fmt.Errorf("--against: %w", err)
	}
	addRoots(&past, outcome.Roots)
	past.Unknown = quote.Line(outcome.Unknown)
	return past, nil
}

// ofThen returns a config for what the inputs were: with the roots that they held, not
// those that the config holds now, and that may not be pinned any more.
func ofThen(config *v1alpha1.FluxTrust) *v1alpha1.FluxTrust {
	then := *config
	then.Spec.CABundle = slices.Clone(config.Spec.CABundle)
	for i := range then.Spec.CABundle {
		e := &then.Spec.CABundle[i]
		if e.Fingerprints = nil; e.Inline != nil {
			e.ConfigMap, e.Inline = &v1alpha1.ConfigMapSource{Name: trust.InlineName(e.Inline), Keys: []string{v1alpha1.DefaultSecretKey}}, nil
		}
	}
	return &then
}

// compare says which roots were added and removed.
func (f *reportFlags) compare(r *report.Report, configFile string, config *v1alpha1.FluxTrust, in io.Reader) error {
	if len(f.against) == 0 {
		return nil
	}
	past, err := f.past(configFile, config, in)
	if err != nil {
		return err
	}
	r.Compare(quote.Line(strings.Join(f.against, " ")), past.Roots, past.Unknown)
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
	addRoots(r, o.Roots)
	r.Unknown = cmp.Or(r.Unknown, quote.Line(o.Unknown))
	for _, v := range o.Verdicts {
		v.Name, v.Namespace, v.Violations, v.Excepted = quote.Name(v.Name), quote.Name(v.Namespace), quote.Lines(v.Violations), quote.Each(quote.Name, v.Excepted)
		r.Verdicts = append(r.Verdicts, v)
	}
	r.Exceptions = append(r.Exceptions, quote.Lines(o.Exceptions)...)
	r.Findings = append(r.Findings, findings(o)...)
}

// linesOf returns the lines in which the objects of each file begin.
func linesOf(files []filter.File) func(path string) []int {
	lines := map[string][]int{}
	return func(path string) []int {
		if _, ok := lines[path]; !ok {
			lines[path] = nil
			for _, f := range files {
				if quote.Line(f.Path) == path {
					lines[path] = stream.Lines(f.Text)
				}
			}
		}
		return lines[path]
	}
}

func addRoots(r *report.Report, roots []trust.Root) {
	for _, root := range roots {
		root.Source, root.Subject, root.Fingerprint = quote.Line(root.Source), quote.Line(root.Subject), quote.Digest(root.Fingerprint)
		r.Roots = append(r.Roots, root)
	}
}

// findings returns what came of a run as lines that may be shown.
func findings(o transformer.Outcome) []report.Finding {
	safe := make([]report.Finding, len(o.Findings))
	for i, result := range safeResults(o.Results()) {
		safe[i] = report.Finding{Code: o.Findings[i].Code, Result: *result}
	}
	return safe
}
