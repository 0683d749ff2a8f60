package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// runResourceList is the function as an orchestrator runs it. kyaml's Execute
// is not used: it drops results that came in, and rewrites annotations of
// items that the function does not touch.
func runResourceList(in io.Reader, out, errOut io.Writer) error {
	if err := needsStdout(out); err != nil {
		return err
	}
	if isTerminal(in) {
		return errors.New("nothing to do: name a config and files, flux-trust CONFIG INPUT..., or let kustomize or kpt run it (see flux-trust --help)")
	}
	input, err := stream.Read(in)
	if err != nil {
		return fmt.Errorf("reading stdin: %w", err)
	}
	var output stream.Pieces
	var outcome transformer.Outcome
	now := time.Now()
	if err := transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		output, outcome, err = process(input, needsOf(needs), now)
		return outcome, err
	}); err != nil {
		return err
	}
	if _, err := output.WriteTo(out); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	printOutcome(errOut, outcome)
	if outcome.Failed() {
		return errReported
	}
	return nil
}

// process runs the function over the text of a ResourceList, which comes back with
// its results even when one of them is an error.
func process(input []byte, needsFor func(config *yaml.RNode) stream.Needs, now time.Time) (stream.Pieces, transformer.Outcome, error) {
	list, err := stream.ReadResourceList(input, needsFor)
	if errors.Is(err, stream.ErrNoResourceList) {
		return nil, transformer.Outcome{}, fmt.Errorf("stdin %w; for plain YAML give a config and \"-\": flux-trust functionconfig.yaml -", err)
	} else if err != nil {
		return nil, transformer.Outcome{}, fmt.Errorf("stdin %w", err)
	}
	outcome := transformer.Process(list.FunctionConfig(), list.Items(), list.Skipped(), now)
	for i, item := range outcome.Items {
		list.Replace(i, item)
	}
	list.Add(outcome.Added...)
	if err := list.AddResults(safeResults(outcome.Results())); err != nil {
		return nil, outcome, err
	}
	output, err := list.Pieces()
	return output, outcome, err
}

// needsOf tells what the config of a ResourceList needs. What is wrong with the
// config is said when it is used.
func needsOf(needs transformer.NeedsFor) func(config *yaml.RNode) stream.Needs {
	return func(config *yaml.RNode) stream.Needs {
		parsed, err := v1alpha1.FromNode(config)
		if err != nil {
			return func(_, _, _ []byte) bool { return false }
		}
		return needs(parsed)
	}
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
