package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/setup"
)

// runFolder brings the patches in a folder up to date, checks that they are, or
// takes them out.
func runFolder(o patchOptions, config *v1alpha1.FluxTrust, configFile string, inputs []string, in io.Reader, errOut io.Writer) error {
	options, err := o.folderOptions(configFile, inputs, in)
	if err != nil {
		return err
	}
	options.Dir = o.write
	if o.remove {
		return removeFromFolder(config, options, errOut)
	}
	result, err := setup.Reconcile(config, options)
	if err != nil {
		return err
	}
	if result.Outcome.Failed() {
		printOutcome(errOut, result.Outcome)
		return errReported
	}
	same := "its build is what the function makes of it"
	if result.InPlace {
		same = "its manifests are what the function makes of them"
	}
	if result.Patches > 0 {
		printPatched(errOut, result.Patches, result.Outcome)
	} else {
		printOutcome(errOut, result.Outcome)
	}
	switch {
	case len(result.Files) == 0:
		say(errOut, "%s is up to date: %s", o.write, same)
		return nil
	case o.check:
		return fmt.Errorf("%s is not up to date%s; run the same without --check, and commit the result", changedNames(result.Files, " and "), rootsSince(config, result))
	}
	written, err := kustomization.Save(result.Files)
	if err != nil {
		return partly(written, err)
	}
	say(errOut, "wrote %s: %s; commit that, and the controllers restart when Flux applies it", changedNames(written, ", "), same)
	return nil
}

// folderOptions returns what is the same for every folder.
func (o patchOptions) folderOptions(configFile string, inputs []string, in io.Reader) (kustomization.Options, error) {
	options := kustomization.Options{Root: o.root, ConfigFile: configFile, Namespace: o.namespace, Now: time.Now()}
	if len(inputs) == 0 {
		return options, nil
	}
	documents, err := readInputs(configFile, inputs, in, nil)
	if err != nil {
		return options, err
	}
	resources, _, _, err := filter.Resources(documents)
	if err != nil {
		return options, err
	}
	for _, r := range resources {
		options.Inputs = append(options.Inputs, yaml.NewRNode(r.Node.YNode()))
	}
	return options, nil
}

// removeFromFolder takes the work of a config out of a folder.
func removeFromFolder(config *v1alpha1.FluxTrust, o kustomization.Options, errOut io.Writer) error {
	result, err := setup.Remove(config, o)
	if err != nil {
		return err
	}
	if len(result.Files) == 0 {
		say(errOut, "%s holds nothing of FluxTrust %s", o.Dir, config.Metadata.Name)
		return nil
	}
	written, err := kustomization.Save(result.Files)
	if err != nil {
		return partly(written, err)
	}
	say(errOut, "took FluxTrust %s out of %s; commit that, and the controllers restart without the bundle when Flux applies it", config.Metadata.Name, changedNames(written, ", "))
	if left := setup.Left(o.Dir, config, o.ConfigFile); left != "" {
		say(errOut, "what init wrote beside it stays; where nothing else reads it, remove it with: %s", left)
	}
	return nil
}

// changedNames names files, and says which are gone.
func changedNames(files []kustomization.File, separator string) string {
	names := make([]string, len(files))
	for i, f := range files {
		if names[i] = quote.Line(f.Path); f.After == nil {
			names[i] += " (removed)"
		}
	}
	return strings.Join(names, separator)
}

// partly says which files were written before an error.
func partly(written []kustomization.File, err error) error {
	if len(written) == 0 {
		return fmt.Errorf("%w; nothing was written", err)
	}
	return fmt.Errorf("%w; written before that, and the folder builds: %s", err, changedNames(written, ", "))
}

// say writes a line for people.
func say(errOut io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(errOut, "flux-trust: %s\n", quote.Line(fmt.Sprintf(format, args...))) // where stderr is closed there is nobody left to tell
}
