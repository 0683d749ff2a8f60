package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// errReported ends a run whose errors are on stderr already.
var errReported = errors.New("reported")

// Execute runs the command line and returns the exit code: 0, or 1 after any
// error.
func Execute(args []string, version string, in io.Reader, out, errOut io.Writer) int {
	name := calledAs(os.Args[0], os.Getenv)
	return withMessages(helmMessages(os.Args[0], os.Getenv), errOut, func(errOut io.Writer) int {
		errOut = speaking{errOut, name}
		if err := execute(args, name, version, in, out, errOut); err != nil {
			if !errors.Is(err, errReported) {
				printError(errOut, err)
			}
			return 1
		}
		return 0
	})
}

func execute(args []string, name, version string, in io.Reader, out, errOut io.Writer) error {
	if len(args) == 0 { // so kustomize and kpt run it, for each build: there is no command to look for
		return runResourceList(in, out, errOut)
	}
	root := newRoot(name, version)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return root.Execute()
}

// newRoot returns the command line. Help and examples use the name: "flux-trust", or "flux
// trust" for the plugin of the Flux CLI.
func newRoot(name, version string) *cobra.Command {
	var write, printVersion bool
	versionCommand := newVersion(version)
	root := &cobra.Command{
		Use:   programName + " [CONFIG INPUT...]",
		Short: "Give Flux controllers a company CA",
		Long: `flux-trust is a KRM function. It finds every Flux controller in a stream of
Kubernetes resources, makes it trust a CA bundle and hardens its
securityContext. Everything else in the stream comes back untouched.

Without arguments it reads a ResourceList on stdin and writes one to stdout:
this is how kustomize and kpt run it. With a config and inputs it reads plain
YAML files, or stdin for "-", and writes plain YAML to stdout. A config file
that has the name of a subcommand is given with its folder: ./version.`,
		Example: `  flux install --export | flux-trust functionconfig.yaml - > flux.yaml
  flux-trust functionconfig.yaml flux-system/gotk-components.yaml
  flux-trust functionconfig.yaml fluxinstance.yaml --write
  kustomize build --enable-alpha-plugins --enable-exec .
  kpt fn eval --exec flux-trust --fn-config functionconfig.yaml`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeRoot,
		SilenceErrors:     true,
		SilenceUsage:      true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if printVersion {
				return versionCommand.RunE(cmd, nil)
			}
			if err := checkCommand(cmd, args); err != nil {
				return err
			}
			if write && len(args) == 0 {
				return errors.New("--write needs a config and the files to change: flux-trust CONFIG FILE... --write")
			}
			if write {
				return runInPlace(args[0], args[1:], cmd.ErrOrStderr())
			}
			if len(args) == 0 {
				return runResourceList(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if err := needsStdout(cmd.OutOrStdout()); err != nil {
				return err
			}
			return runPlain(args[0], args[1:], cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	root.Flags().BoolVar(&write, "write", false, "write the inputs back in place of printing them; for files that no function of kustomize is run over, such as a FluxInstance")
	// cobra's own flag needs text/template for another wording than its own, and the linker
	// then keeps every exported method of the program.
	root.Flags().BoolVarP(&printVersion, "version", "v", false, "version for "+name)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newInit(), newPatches(version), newValidate(version), newProbe(version), newSchema(), versionCommand)
	speakAs(root, name)
	return root
}

func newVersion(version string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  flux-trust version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), programName, version)
			return err
		},
	}
}

// needsConfig is for commands whose first argument is a config.
func needsConfig(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no config was given: %s %s (see %s --help)", cmd.Root().DisplayName(), cmd.Use, cmd.CommandPath())
	}
	return nil
}
