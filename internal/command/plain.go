package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"sigs.k8s.io/kustomize/kyaml/kio"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// runPlain is the function as a filter over plain YAML files.
func runPlain(configFile string, inputs []string, in io.Reader, out, errOut io.Writer) error {
	config, _, err := readConfig(configFile)
	if err != nil {
		return err
	}
	documents, err := readInputs(configFile, inputs, in, transformer.Needs(config))
	if err != nil {
		return err
	}
	output, outcome, err := transform(config, documents, time.Now())
	if err != nil {
		return err
	}
	if outcome.Failed() {
		printOutcome(errOut, outcome)
		return errReported
	}
	if _, err := output.WriteTo(out); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	printOutcome(errOut, outcome)
	return nil
}

// transform runs the function over documents. There is no output after an error.
func transform(config *v1alpha1.FluxTrust, documents []*stream.Document, now time.Time) (stream.Pieces, transformer.Outcome, error) {
	outcome, _, err := apply(config, documents, now)
	if err != nil || outcome.Failed() {
		return nil, outcome, err
	}
	for _, added := range outcome.Added {
		documents = append(documents, stream.New(added, documents))
	}
	output, err := stream.Join(documents)
	return output, outcome, err
}

// apply runs the function over documents, and returns those that it has changed. After
// an error there are none.
func apply(config *v1alpha1.FluxTrust, documents []*stream.Document, now time.Time) (transformer.Outcome, []*stream.Document, error) {
	resources, held, skipped, err := resourcesOf(documents)
	if err != nil {
		return transformer.Outcome{}, nil, err
	}
	outcome := transformer.RunNeeded(config, resources, skipped, now)
	outcome.Findings = append(truncated(documents), outcome.Findings...)
	if outcome.Failed() {
		return outcome, nil, nil
	}
	var changed []*stream.Document
	for i, d := range held {
		if outcome.Items[i] != resources[i].Node {
			d.Replace(outcome.Items[i])
			changed = append(changed, d)
		}
	}
	return outcome, changed, nil
}

// readConfig returns the config in a file, and the bytes of the file.
func readConfig(file string) (*v1alpha1.FluxTrust, []byte, error) {
	if file == "-" {
		return nil, nil, errors.New("the first argument is the config, a file; - is for inputs: flux-trust functionconfig.yaml -")
	}
	data, err := os.ReadFile(file) //nolint:gosec // a file that the user names
	if err != nil {
		return nil, nil, fmt.Errorf("the config, which is the first argument, cannot be read: %w (see flux-trust --help)", err)
	}
	config, err := v1alpha1.Parse(file, data)
	return config, data, err
}

// resourcesOf returns the resources of documents, the documents that hold one,
// and how many were skipped.
func resourcesOf(documents []*stream.Document) (resources []transformer.Resource, held []*stream.Document, skipped int, err error) {
	for _, d := range documents {
		skipped += d.Skipped
		if d.Resource() == nil {
			continue
		}
		if d.Resource().GetKind() == kio.ResourceListKind { // Resource is always a mapping
			return nil, nil, 0, fmt.Errorf("%s holds a ResourceList, which flux-trust reads without arguments: flux-trust < %s", d.File, d.File)
		}
		held = append(held, d)
		resources = append(resources, transformer.Resource{
			Node: d.Resource(),
			File: &transformer.File{Path: d.File, Index: d.Index},
		})
	}
	return resources, held, skipped, nil
}

// readFile reads an input.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // a file that the user names
	if err != nil {
		return nil, err
	}
	data, err := stream.Read(file)
	if err != nil {
		err = &os.PathError{Op: "read", Path: name, Err: err}
	}
	return data, errors.Join(err, file.Close())
}

func readInputs(configFile string, inputs []string, in io.Reader, needs stream.Needs) ([]*stream.Document, error) {
	if len(inputs) == 0 {
		return nil, fmt.Errorf("no input: name files behind %s, or - for stdin", configFile)
	}
	if slices.Contains(inputs, configFile) {
		return nil, fmt.Errorf("%s is the config and cannot be an input, too", configFile)
	}
	var documents []*stream.Document
	stdin := false
	for _, input := range inputs {
		var data []byte
		var err error
		switch {
		case input != "-":
			data, err = readFile(input)
		case stdin:
			return nil, errors.New("- stands twice among the inputs; stdin can be read once")
		default:
			stdin, input = true, "stdin"
			data, err = stream.Read(in)
		}
		switch {
		case errors.Is(err, syscall.EISDIR):
			return nil, fmt.Errorf("the input %s is a folder; name its files, or build it: kustomize build %s | flux-trust CONFIG -", input, input)
		case err != nil:
			return nil, fmt.Errorf("an input cannot be read: %w", err)
		case len(bytes.TrimSpace(data)) == 0:
			return nil, fmt.Errorf("the input %s is empty; has the command that writes it failed, or does the output go into an input?", input)
		}
		split, err := stream.Split(input, data, needs)
		if err != nil {
			return nil, err
		}
		documents = append(documents, split...)
	}
	return documents, nil
}
