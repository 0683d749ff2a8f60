package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/kustomization"
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
			return fmt.Errorf("%s appears twice among the inputs", input)
		}
	}
	files, err := readTexts(configFile, inputs, nil)
	if err != nil {
		return err
	}
	after, outcome, err := filter.InPlace(config, files, time.Now())
	if err != nil {
		return err
	}
	printOutcome(errOut, outcome)
	if outcome.Failed() {
		return errReported
	}
	var changes []kustomization.File
	for _, f := range after {
		before := files[slices.IndexFunc(files, func(b filter.File) bool { return b.Path == f.Path })]
		changes = append(changes, kustomization.File{Path: f.Path, Before: before.Text, After: f.Text})
	}
	if len(changes) == 0 {
		say(errOut, "nothing to write: the files are as configured")
		return nil
	}
	written, err := kustomization.Save(changes)
	if err != nil {
		return partly(written, err)
	}
	say(errOut, "wrote %s", changedNames(written, ", "))
	return nil
}
