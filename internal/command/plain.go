package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/setup"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// runPlain is the function as a filter over plain YAML files.
func runPlain(configFile string, inputs []string, in io.Reader, out, errOut io.Writer) error {
	config, _, err := readConfig(configFile)
	if err != nil {
		return err
	}
	files, err := readTexts(configFile, inputs, in)
	if err != nil {
		return err
	}
	var output stream.Pieces
	var outcome transformer.Outcome
	now := time.Now()
	if err := transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		documents, err := splitAll(files, needs(config))
		if err == nil {
			output, outcome, err = filter.Run(config, documents, now)
		}
		return outcome, err
	}); err != nil {
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

// readConfig returns the config in a file, and the bytes of the file.
func readConfig(file string) (*v1alpha1.FluxTrust, []byte, error) {
	if file == "-" {
		return nil, nil, errors.New("the first argument is the config, a file; - is for inputs: flux-trust functionconfig.yaml -")
	}
	data, err := stream.ReadNamed(file, stream.MaxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("the config, which is the first argument, cannot be read: %w (see flux-trust --help)", err)
	}
	config, err := v1alpha1.Parse(file, data)
	if err != nil && setup.IsCertificate(data) {
		return nil, nil, fmt.Errorf("%s is a certificate, and no config; make one with: flux-trust init %s --dir DIR", file, quote.Path(file))
	}
	return config, data, err
}

// readInputs reads inputs, and splits them into documents.
func readInputs(configFile string, inputs []string, in io.Reader, needs stream.Needs) ([]*stream.Document, error) {
	files, err := readTexts(configFile, inputs, in)
	if err != nil {
		return nil, err
	}
	return splitAll(files, needs)
}

// splitAll splits files into documents.
func splitAll(files []filter.File, needs stream.Needs) ([]*stream.Document, error) {
	var documents []*stream.Document
	for _, f := range files {
		split, err := stream.Split(f.Path, f.Text, needs)
		if err != nil {
			return nil, err
		}
		documents = append(documents, split...)
	}
	return documents, nil
}

// readTexts reads inputs.
func readTexts(configFile string, inputs []string, in io.Reader) ([]filter.File, error) {
	if len(inputs) == 0 {
		return nil, fmt.Errorf("no input: name files behind %s, or - for stdin", configFile)
	}
	if slices.Contains(inputs, configFile) {
		return nil, fmt.Errorf("%s is the config and cannot be an input, too", configFile)
	}
	var files []filter.File
	stdin := false
	for _, input := range inputs {
		var data []byte
		var err error
		switch {
		case input != "-":
			data, err = stream.ReadNamed(input, stream.MaxInput)
		case stdin:
			return nil, errors.New("- appears twice among the inputs; stdin can be read once")
		default:
			stdin, input = true, "stdin"
			data, err = stream.Read(in)
		}
		switch {
		case errors.Is(err, syscall.EISDIR):
			return nil, fmt.Errorf("the input %s is a folder; name its files, or write - in its place and build it: kustomize build %s | …", input, quote.Path(input))
		case err != nil:
			return nil, fmt.Errorf("an input cannot be read: %w", err)
		case len(bytes.TrimSpace(data)) == 0:
			return nil, fmt.Errorf("the input %s is empty; has the command that writes it failed, or does the output go into an input?", input)
		}
		files = append(files, filter.File{Path: input, Text: data})
	}
	return files, nil
}
