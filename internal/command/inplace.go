package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// runInPlace is the function over files, each of which is written back. What it adds
// stands at the end of the first file that it has changed.
func runInPlace(configFile string, inputs []string, errOut io.Writer) error {
	config, _, err := readConfig(configFile)
	if err != nil {
		return err
	}
	for i, input := range inputs {
		switch {
		case input == "-":
			return errors.New("--write changes files, and - is stdin; name a file")
		case slices.Contains(inputs[:i], input):
			return fmt.Errorf("%s stands twice among the inputs", input)
		}
	}
	documents, err := readInputs(configFile, inputs, nil, transformer.Needs(config))
	if err != nil {
		return err
	}
	outcome, changed, err := apply(config, documents, time.Now())
	if err != nil {
		return err
	}
	printOutcome(errOut, outcome)
	if outcome.Failed() {
		return errReported
	}
	files, err := changedFiles(inputs, documents, changed, outcome)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		say(errOut, "nothing to write: the files are as configured")
		return nil
	}
	written, err := kustomization.Save(files)
	if err != nil {
		return partly(written, err)
	}
	say(errOut, "wrote %s", changedNames(written, ", "))
	return nil
}

// changedFiles returns the files that hold documents that have changed.
func changedFiles(inputs []string, documents, changed []*stream.Document, outcome transformer.Outcome) ([]kustomization.File, error) {
	last := inputs[len(inputs)-1]
	if len(changed) > 0 {
		last = changed[0].File
	}
	var files []kustomization.File
	for _, input := range inputs {
		own := slices.DeleteFunc(slices.Clone(documents), func(d *stream.Document) bool { return d.File != input })
		if input == last {
			for _, added := range outcome.Added {
				own = append(own, stream.New(added, own))
			}
		}
		before, err := readFile(input)
		if err != nil {
			return nil, err
		}
		after, err := stream.Join(own)
		if err != nil {
			return nil, err
		}
		if f := (kustomization.File{Path: input, Before: before, After: after.Bytes()}); f.Changed() {
			files = append(files, f)
		}
	}
	return files, nil
}
