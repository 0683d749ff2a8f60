package command

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/transformer"
)

func newValidate(version string) *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "validate CONFIG INPUT...",
		Short: "Check that the controllers are as configured",
		Long: `validate changes nothing. It reports every thing that is not as the config asks
for, the roots, what the Pod Security admission says of each controller, and the
exceptions in force. The exit code is 1 when there is an error.

With --against it says which roots were added and removed: render the base of a pull
request, and compare with that, or with a report that was kept.

Formats:` + reportHelp(),
		Example: `  flux-trust validate functionconfig.yaml flux.yaml
  kubectl get deployments,configmaps -n flux-system -o yaml | flux-trust validate functionconfig.yaml -
  flux-trust validate functionconfig.yaml flux.yaml -o json > report.json
  flux-trust validate functionconfig.yaml flux.yaml --against report.json -o markdown
  flux-trust validate functionconfig.yaml flux.yaml --fail-on warning --expires-within 90d`,
		Args:              needsConfig,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needsStdout(cmd.OutOrStdout()); err != nil {
				return err
			}
			if err := flags.validate(args[1:]); err != nil {
				return err
			}
			r, err := validate(&flags, args[0], args[1:], cmd.InOrStdin(), version)
			if err != nil {
				return err
			}
			return flags.print(reportTo(cmd), r)
		},
	}
	flags.add(cmd)
	return cmd
}

func validate(flags *reportFlags, configFile string, inputs []string, in io.Reader, version string) (*report.Report, error) {
	config, data, err := readConfig(configFile)
	if err != nil {
		return nil, err
	}
	config.Spec.Mode = v1alpha1.Validate
	files, err := readTexts(configFile, inputs, in)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	outcome, err := look(config, files, now)
	if err != nil {
		return nil, err
	}
	r := newReport(version, configFile, config.Metadata.Name, data, now)
	addOutcome(r, outcome)
	r.Lines = linesOf(files)
	return r, flags.compare(r, configFile, config, in)
}

// look runs a config over files, and writes nothing.
func look(config *v1alpha1.FluxTrust, files []filter.File, now time.Time) (outcome transformer.Outcome, err error) {
	err = transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		documents, err := splitAll(files, needs(config))
		if err != nil {
			return outcome, err
		}
		resources, _, skipped, err := filter.Resources(documents)
		if err != nil {
			return outcome, err
		}
		outcome = transformer.RunNeeded(config, resources, skipped, now)
		outcome.Findings = append(filter.Truncated(documents), outcome.Findings...)
		return outcome, nil
	})
	return outcome, err
}
