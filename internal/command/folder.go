package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/kustomization"
)

// runFolder brings the patches in a folder up to date, checks that they are, or
// takes them out.
func runFolder(o patchOptions, config *v1alpha1.FluxTrust, configFile string, inputs []string, in io.Reader, errOut io.Writer) error {
	options := kustomization.Options{Dir: o.write, Root: o.root, ConfigFile: configFile, Namespace: o.namespace, Now: time.Now()}
	if len(inputs) > 0 {
		documents, err := readInputs(configFile, inputs, in, nil)
		if err != nil {
			return err
		}
		resources, _, _, err := resourcesOf(documents)
		if err != nil {
			return err
		}
		for _, r := range resources {
			options.Inputs = append(options.Inputs, yaml.NewRNode(r.Node.YNode()))
		}
	}
	reconcile := kustomization.Reconcile
	if o.remove {
		reconcile = kustomization.Remove
	}
	result, err := reconcile(config, options)
	if err != nil {
		return err
	}
	if result.Outcome.Failed() {
		printOutcome(errOut, result.Outcome)
		return errReported
	}
	if o.remove {
		_, err := kustomization.Save(result.Files)
		return err
	}
	result.Outcome.Findings = append(result.Outcome.Findings, result.Findings...)
	printPatched(errOut, result.Patches, result.Outcome)
	if o.check {
		return upToDate(result.Files)
	}
	_, err = kustomization.Save(result.Files)
	return err
}

// upToDate names the files that would be written.
func upToDate(files []kustomization.File) error {
	var stale []string
	for _, f := range files {
		if f.Changed() {
			stale = append(stale, f.Path)
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("%s is not up to date; run the same without --check, and commit the result", strings.Join(stale, " and "))
	}
	return nil
}
