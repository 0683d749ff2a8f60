package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

func newSchema() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the schema of the config, for editors",
		Long: `schema prints the JSON schema of a FluxTrust. Editors that know the YAML language
server complete and check a config that names it in a comment:
# yaml-language-server: $schema=flux-trust.schema.json
With -o crd it is the same in the shape of a CustomResourceDefinition, for tools
that take no other. That is not meant to be applied.`,
		Example: `  flux-trust schema > flux-trust.schema.json
  flux-trust schema -o crd > flux-trust.crd.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needsStdout(cmd.OutOrStdout()); err != nil {
				return err
			}
			text := v1alpha1.Schema()
			switch output {
			case "json":
			case "crd":
				var err error
				if text, err = v1alpha1.CustomResourceDefinition(); err != nil {
					return err
				}
			default:
				return fmt.Errorf("-o %s is not known; write json or crd", output)
			}
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return fmt.Errorf("writing to stdout: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "json", "json or crd")
	completeOutput(cmd, "json", "crd")
	return cmd
}
