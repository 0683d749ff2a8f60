package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// runResourceList is the function as an orchestrator runs it. kyaml's Execute
// is not used: it drops results that came in, and rewrites annotations of
// items that the function does not touch.
func runResourceList(in io.Reader, out, errOut io.Writer) error {
	if isTerminal(in) {
		return errors.New("nothing to do: name a config and files, flux-trust CONFIG INPUT..., or let kustomize or kpt run it (see flux-trust --help)")
	}
	input, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading stdin: %w", err)
	}
	list, err := stream.ReadResourceList(input)
	if errors.Is(err, stream.ErrNoResourceList) {
		return fmt.Errorf("stdin %w; for plain YAML give a config and \"-\": flux-trust functionconfig.yaml -", err)
	} else if err != nil {
		return fmt.Errorf("stdin %w", err)
	}
	// An item that is changed loses its anchors, and another item of the same
	// ResourceList may refer to them.
	items, err := transformer.ExpandAliases(list.Items())
	if err != nil {
		return fmt.Errorf("the ResourceList on stdin %w", err)
	}

	rl := &framework.ResourceList{Items: items, FunctionConfig: list.FunctionConfig()}
	processor := &transformer.Processor{Now: time.Now()}
	processErr := processor.Process(rl)

	list.SetItems(rl.Items)
	if err := list.AddResults(rl.Results); err != nil {
		return err
	}
	output, err := list.Bytes()
	if err != nil {
		return err
	}
	if _, err := out.Write(output); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	printOutcome(errOut, processor.Outcome)
	if processErr != nil {
		return errReported
	}
	return nil
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
