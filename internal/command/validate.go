package command

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
	"fluxtrust.dev/flux-trust/transformer"
)

// validation is what the command validate prints, for people and for auditors.
type validation struct {
	// Tool and Version have made the report, Time is when.
	Tool    string    `json:"tool"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	// Config is the file, ConfigName its metadata.name, ConfigDigest the SHA-256 of
	// its bytes.
	Config       string `json:"config"`
	ConfigName   string `json:"configName"`
	ConfigDigest string `json:"configDigest"`
	// Valid tells that there is no error among the results.
	Valid       bool                `json:"valid"`
	Controllers int                 `json:"controllers"`
	Roots       []trust.Root        `json:"roots"`
	Verdicts    []hardening.Verdict `json:"podSecurity"`
	Exceptions  []string            `json:"exceptions"`
	Results     krm.Results         `json:"results"`
}

func newValidate(version string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "validate CONFIG INPUT...",
		Short: "Check that the controllers are as configured",
		Long: `validate changes nothing. It reports every thing that is not as the config asks
for, the roots, what the Pod Security admission says of each controller, and the
exceptions in force. The exit code is 1 when there is an error.`,
		Example: `  flux-trust validate functionconfig.yaml flux.yaml
  kubectl get deployments,configmaps -n flux-system -o yaml | flux-trust validate functionconfig.yaml -
  flux-trust validate functionconfig.yaml flux.yaml -o json > report.json`,
		Args:              needsConfig,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("-o %s is not known; write text or json", output)
			}
			v, err := validate(args[0], args[1:], cmd.InOrStdin(), version)
			if err != nil {
				return err
			}
			text := v.text()
			if output == "json" {
				if text, err = v.json(); err != nil {
					return err
				}
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			if !v.Valid {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	completeOutput(cmd, "text", "json")
	return cmd
}

func validate(configFile string, inputs []string, in io.Reader, version string) (*validation, error) {
	config, data, err := readConfig(configFile)
	if err != nil {
		return nil, err
	}
	config.Spec.Mode = v1alpha1.Validate
	documents, err := readInputs(configFile, inputs, in, transformer.Needs(config))
	if err != nil {
		return nil, err
	}
	resources, _, skipped, err := filter.Resources(documents)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	outcome := transformer.RunNeeded(config, resources, skipped, now)
	outcome.Findings = append(filter.Truncated(documents), outcome.Findings...)
	sum := sha256.Sum256(data)
	for i := range outcome.Roots {
		r := &outcome.Roots[i]
		r.Source, r.Subject = quote.Line(r.Source), quote.Line(r.Subject)
	}
	for i := range outcome.Verdicts {
		v := &outcome.Verdicts[i]
		v.Name, v.Namespace, v.Violations, v.Excepted = quote.Name(v.Name), quote.Name(v.Namespace), quote.Lines(v.Violations), quote.Each(quote.Name, v.Excepted)
	}
	return &validation{
		Tool: "flux-trust", Version: version, Time: now.Truncate(time.Second),
		Config: quote.Line(configFile), ConfigName: quote.Line(config.Metadata.Name), ConfigDigest: "sha256:" + hex.EncodeToString(sum[:]),
		Valid: !outcome.Failed(), Controllers: outcome.Controllers,
		Roots: orEmpty(outcome.Roots), Verdicts: orEmpty(outcome.Verdicts), Exceptions: quote.Lines(outcome.Exceptions), Results: safeResults(outcome.Results()),
	}, nil
}

// orEmpty keeps null out of the JSON.
func orEmpty[S ~[]E, E any](list S) S {
	if list == nil {
		return S{}
	}
	return list
}

func (v *validation) json() (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing the report: %w", err)
	}
	return string(text) + "\n", nil
}

func (v *validation) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "flux-trust %s, %s\n", v.Version, v.Time.Format(time.RFC3339))
	fmt.Fprintf(&out, "config %s (FluxTrust %s, %s)\n", v.Config, v.ConfigName, v.ConfigDigest)
	section := func(title string, count int) {
		if count > 0 {
			fmt.Fprintf(&out, "\n%s\n", title)
		}
	}
	section("Roots", len(v.Roots))
	for _, r := range v.Roots {
		fmt.Fprintf(&out, "  %s\n    until %s, %s\n    from %s\n", r.Subject, r.NotAfter.Format(time.DateOnly), r.Fingerprint, r.Source)
	}
	section("Pod Security", len(v.Verdicts))
	for _, d := range v.Verdicts {
		verdict := "admitted"
		if len(d.Violations) > 0 {
			verdict = "refused: " + strings.Join(d.Violations, "; ")
		}
		if len(d.Excepted) > 0 {
			verdict += " (excepted: " + strings.Join(d.Excepted, ", ") + ")"
		}
		fmt.Fprintf(&out, "  %s, %s: %s\n", strings.TrimPrefix(d.Namespace+"/"+d.Name, "/"), d.Policy, verdict)
	}
	section("Exceptions in force", len(v.Exceptions))
	for _, e := range v.Exceptions {
		fmt.Fprintf(&out, "  %s\n", e)
	}
	section("Findings", len(v.Results))
	errors := 0
	for _, r := range v.Results {
		fmt.Fprintf(&out, "  %s: %s\n", r.Severity, sentence(r))
		if r.Severity == krm.Error {
			errors++
		}
	}
	if v.Valid {
		fmt.Fprintf(&out, "\nValid: %s as configured.\n", krm.Count(v.Controllers, "controller"))
	} else {
		fmt.Fprintf(&out, "\nNot valid: %s.\n", krm.Count(errors, "error"))
	}
	return out.String()
}
