package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// patchOptions are the flags of the command patches.
type patchOptions struct {
	format, namespace string
	// write is the folder to change, check and remove what to do there instead.
	write         string
	check, remove bool
	// folders are those to check beside write, report how to say what was found.
	folders []string
	report  reportFlags
	// root is the folder that nothing outside of is read.
	root string
}

// defaultNamespace is that of the controllers where nothing says it.
const defaultNamespace = "flux-system"

func newPatches(version string) *cobra.Command {
	var o patchOptions
	cmd := &cobra.Command{
		Use:   "patches CONFIG [INPUT...] -o FORMAT",
		Short: "Print the same change as patches, for places that run no functions",
		Long: `patches prints what the function would change as patches of kustomize, for
kustomize-controller, flux bootstrap and flux-operator, which run no functions.

Without INPUT, or with inputs that hold the CA bundle alone, the patches fit
every stock release of Flux. With the manifests of Flux as INPUT they fit exactly
those. With a FluxInstance as INPUT they fit what it installs.

With --check, folders among the inputs, and patterns of folders, are checked, and one
report says which are up to date.

Formats:` + formatHelp() + `
With --check: ` + strings.Join(report.Names(), ", ") + `.`,
		Example: `  flux-trust patches functionconfig.yaml -o kustomization
  flux-trust patches functionconfig.yaml ca.yaml gotk-components.yaml -o flux-kustomization
  flux-trust patches functionconfig.yaml fluxinstance.yaml -o flux-instance
  flux-trust patches functionconfig.yaml --write clusters/prod/flux-system
  flux-trust patches functionconfig.yaml --write clusters/prod/flux-system --check
  flux-trust patches functionconfig.yaml --check 'clusters/*/flux-system'
  flux-trust patches functionconfig.yaml --check 'clusters/*/flux-system' -o markdown --expires-within 90d`,
		Args:              needsConfig,
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needsStdout(cmd.OutOrStdout()); err != nil && (o.write == "" || o.check && o.format != "") {
				return err
			}
			o.report.asked = o.report.areSet(cmd)
			out := cmd.OutOrStdout()
			if o.check { // prints a report
				out = reportTo(cmd)
			}
			return runPatches(version, o, args[0], args[1:], cmd.InOrStdin(), out, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&o.format, "output", "o", "", strings.Join(patches.FormatNames(), ", ")+"; with --check: "+strings.Join(report.Names(), ", "))
	completeOutput(cmd, append(patches.FormatNames(), report.Names()...)...)
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", defaultNamespace, "namespace of the controllers, where no INPUT says it")
	cmd.Flags().StringVar(&o.write, "write", "", "folder where Flux is, whose kustomization.yaml or manifests get the patches")
	_ = cmd.MarkFlagDirname("write") // there is one
	cmd.Flags().StringVar(&o.root, "root", "", "with --write or --check: root of the repository, which nothing outside of is read (default: the nearest folder above with .git)")
	_ = cmd.MarkFlagDirname("root") // there is one
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing, exit with 1 when a folder (--write, or among the inputs) is not up to date")
	o.report.addLimits(cmd, "with --check: ")
	cmd.Flags().BoolVar(&o.remove, "remove", false, "with --write: take the patches out again")
	return cmd
}

// formatHelp says what the formats are.
func formatHelp() string {
	var out strings.Builder
	for _, f := range patches.Formats() {
		fmt.Fprintf(&out, "\n  %-23s %s", f.Name, f.Help)
	}
	return out.String()
}

// patchOptions says where the patches are going to be.
func (o patchOptions) patchOptions() transformer.PatchOptions {
	format, _ := patches.FindFormat(o.format) // validate has looked
	return transformer.PatchOptions{FollowsNames: format.FollowsNames, Namespace: o.namespace, Components: format.Components()}
}

func (o *patchOptions) validate() error {
	switch {
	case o.check && o.remove:
		return errors.New("--check and --remove exclude each other")
	case o.check && o.write == "" && len(o.folders) == 0:
		return errors.New("--check needs a folder: --check DIR, or a pattern in quotes: --check 'clusters/*/flux-system'")
	case o.check:
		return o.validateCheck()
	case len(o.report.asked) > 0:
		return fmt.Errorf("%s needs --check", o.report.asked[0])
	case o.write == "" && (o.remove || o.root != ""):
		return errors.New("--remove and --root need the folder: --write DIR")
	case o.write != "" && o.format == "":
		o.format = patches.Kustomization
	case o.write != "" && o.format != patches.Kustomization:
		return fmt.Errorf("--write edits a kustomization.yaml; leave -o %s out", o.format)
	}
	return o.validateFormat()
}

func (o *patchOptions) validateFormat() error {
	if o.format == "" {
		return fmt.Errorf("-o says where the patches go; write one of %s", strings.Join(patches.FormatNames(), ", "))
	}
	if _, ok := report.Find(o.format); ok {
		return fmt.Errorf("-o %s is a report, which --check makes; patches are printed as one of %s", o.format, strings.Join(patches.FormatNames(), ", "))
	}
	if !slices.Contains(patches.FormatNames(), o.format) {
		return fmt.Errorf("-o %s is not known; write one of %s", o.format, strings.Join(patches.FormatNames(), ", "))
	}
	return nil
}

func runPatches(version string, o patchOptions, configFile string, inputs []string, in io.Reader, out, errOut io.Writer) error {
	if o.check {
		var err error
		if inputs, err = o.takeFolders(inputs); err != nil {
			return err
		}
	}
	if err := o.validate(); err != nil {
		return err
	}
	if o.check && o.report.output != "" {
		if err := o.report.validate(inputs); err != nil {
			return err
		}
		return o.checkFolders(version, configFile, inputs, in, out)
	}
	config, _, err := readPatchConfig(configFile)
	if err != nil {
		return err
	}
	if o.write != "" {
		return runFolder(o, config, configFile, inputs, in, errOut)
	}
	var documents []*stream.Document
	if len(inputs) > 0 {
		if documents, err = readInputs(configFile, inputs, in, transformer.Needs(config)); err != nil {
			return err
		}
	}
	resources, _, _, err := filter.Resources(documents)
	if err != nil {
		return err
	}
	options := o.patchOptions()
	made, outcome := transformer.Patches(config, resources, options, time.Now())
	outcome.Findings = append(filter.Truncated(documents), outcome.Findings...)
	if outcome.Failed() {
		printOutcome(errOut, outcome)
		return errReported
	}
	text, err := o.text(config, made, outcome)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	printPatched(errOut, len(made), outcome)
	return nil
}

// readPatchConfig reads a config that is to be put into patches, and the bytes of the
// file.
func readPatchConfig(file string) (*v1alpha1.FluxTrust, []byte, error) {
	config, data, err := readConfig(file)
	if err != nil {
		return nil, nil, err
	}
	if config.Spec.Mode == v1alpha1.Validate {
		return nil, nil, errors.New("the config is in mode Validate, which changes nothing; make the patches with mode: Transform")
	}
	return config, data, nil
}

// namespaces returns those of the controllers: what the inputs say, and the flag where
// they say nothing.
func (o patchOptions) namespaces(outcome transformer.Outcome) []string {
	namespaces := slices.Clone(outcome.Namespaces)
	for i, namespace := range namespaces {
		if namespace == "" {
			namespaces[i] = o.namespace
		}
	}
	slices.Sort(namespaces)
	if namespaces = slices.Compact(namespaces); len(namespaces) == 0 {
		return []string{o.namespace}
	}
	return namespaces
}

// text returns the patches and the ConfigMaps that they need.
func (o patchOptions) text(config *v1alpha1.FluxTrust, made []patches.Patch, outcome transformer.Outcome) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "# What FluxTrust %s changes, as patches. Print them anew when the config, the roots\n"+
		"# or Flux itself change. A target that matches nothing is silent: check the result\n# with flux-trust validate.\n", config.Metadata.Name)
	bundle := bundleOf(config, o.namespaces(outcome), outcome.Items, outcome.Added)
	out.WriteString(bundle.note())
	objects, err := bundle.text()
	if err != nil {
		return "", err
	}
	format, _ := patches.FindFormat(o.format) // validate has looked
	if format.Print == nil {
		out.WriteString(cmp.Or(objects, "# No object is known here that would have to be printed.\n"))
		return out.String(), nil
	}
	block, err := format.Print(patches.Request{Owner: config.Metadata.Name, Namespace: o.namespace, Patches: made})
	if err != nil {
		return "", err
	}
	switch {
	case objects == "":
		out.WriteString(block)
	case format.Alone:
		out.WriteString("#\n# Apply what -o " + o.format[:strings.LastIndexByte(o.format, '-')] + "-resources prints first.\n" + block)
	default:
		out.WriteString(block + "---\n" + objects)
	}
	return out.String(), nil
}
