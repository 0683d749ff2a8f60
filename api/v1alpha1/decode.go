package v1alpha1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// minimal is shown to whoever gave no usable config.
const minimal = `
apiVersion: fluxtrust.dev/v1alpha1
kind: FluxTrust
metadata:
  name: corporate-ca
spec:
  caBundle:
  - configMap: {name: corporate-ca, keys: [ca.crt]}`

// Bounds of a config, its aliases written out. The largest of the examples has 60
// values; a ConfigMap, which is what an inline bundle becomes, holds 1 MiB.
const (
	maxBytes = 4 << 20
	maxNodes = 20_000
)

// Parse decodes, defaults and validates the config in a file. The name of the
// file is used in messages only. The error is an *InvalidError wherever the
// file could be read as YAML.
func Parse(file string, data []byte) (*FluxTrust, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s: the config has %d KiB; at most %d KiB are read: put the certificates into a ConfigMap, and name it with configMap", file, len(data)>>10, maxBytes>>10)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, empty(file)
	} else if err != nil {
		return nil, notYAML(file, data, err)
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the config holds more than one document; put one %s into a file of its own (the config is the first argument, then the inputs)", file, Kind)
	}
	if isNull(doc.Content[0]) {
		return nil, empty(file)
	}
	return decode(doc.Content[0], file, true)
}

func empty(file string) error {
	return &InvalidError{Source: file, Problems: []Problem{{Message: "the config is empty; write for example:", Example: minimal}}}
}

// notYAML names the line that the YAML reader stumbles over: the one behind the longest
// beginning that is YAML. The reader itself names the line before the mapping that it
// could not finish.
func notYAML(file string, data []byte, err error) error {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines)*len(data) > maxReread {
		return fmt.Errorf("%s: the config is not valid YAML: %s", file, quote.Reader(err))
	}
	bad := len(lines)
	for ; bad > 1; bad-- {
		var node yaml.Node
		if yaml.Unmarshal(bytes.Join(lines[:bad-1], nil), &node) == nil {
			break
		}
	}
	message := readerLine.Get().ReplaceAllString(quote.Reader(err), "")
	switch {
	case bytes.Contains(lines[bad-1], []byte("\t")):
		message += "; YAML is indented with spaces, not with tabs"
	case strings.Contains(message, "did not find expected"):
		message += "; this line does not go with those above it: look at the indentation"
	}
	return fmt.Errorf("%s:%d: the config is not valid YAML: %s", file, bad, message)
}

// maxReread bounds the bytes that are read to find a line: 500 lines of 64 bytes.
const maxReread = 16 << 20

var readerLine = pattern.Pattern{Text: `^line \d+: `}

// FromNode decodes, defaults and validates the functionConfig of a
// ResourceList. The error is an *InvalidError.
func FromNode(config *yaml.RNode) (*FluxTrust, error) {
	if config.IsNil() || isNull(config.YNode()) {
		return nil, errors.New("no config was given: name a file with a FluxTrust under transformers: (kustomize), " +
			"with configPath: (Kptfile) or with --fn-config (kpt fn eval)")
	}
	source := Kind
	if name := scalar(mapping(config.YNode(), "metadata"), "name"); krm.IsName(name) {
		source += " " + name
	}
	return decode(config.YNode(), source, false)
}

func decode(root *yaml.Node, source string, lines bool) (*FluxTrust, error) {
	p := &problems{lines: map[string]int{}}
	switch size := krm.SizeOf(root); {
	case size.Nodes > maxNodes:
		return nil, fmt.Errorf("%s: the config has more than %d values once its aliases are written out; write fewer, in more than one config", source, maxNodes)
	case size.Bytes > maxBytes:
		return nil, fmt.Errorf("%s: the config has more than %d KiB once its aliases are written out; put the certificates into a ConfigMap, and name it with configMap", source, maxBytes>>10)
	}
	if p.identify(root); len(p.found) > 0 {
		return nil, p.err(source, lines)
	}
	defer writeNo(mapping(mapping(root, "spec"), "proxy"))()
	p.walk(root, reflect.TypeFor[FluxTrust](), "")
	config := &FluxTrust{}
	if err := unmarshal(root, config); err != nil && len(p.found) == 0 {
		return nil, fmt.Errorf("%s: %s", source, quote.Reader(err))
	}
	p.settle()
	config.validate(p)
	if err := p.err(source, lines); err != nil {
		return nil, err
	}
	config.Default()
	return config, nil
}

// unmarshal fills in as much of the config as has the right type, and returns
// the first thing that the walk should have reported.
func unmarshal(root *yaml.Node, config *FluxTrust) error {
	text, err := yaml.NewRNode(root).String()
	if err != nil {
		return err
	}
	strict := kubeyaml.UnmarshalStrict([]byte(text), config)
	if strict == nil {
		return nil
	}
	*config = FluxTrust{}
	if err := kubeyaml.Unmarshal([]byte(text), config); err != nil {
		return err
	}
	return strict
}

// writeNo puts the key "no" of a proxy in quotes: YAML 1.1 takes it for false without
// them, and tools that read and write that have made false of it. It returns what gives
// the config back as it was.
func writeNo(proxy *yaml.Node) (restore func()) {
	for i := 0; i+1 < len(proxy.Content); i += 2 {
		if key := proxy.Content[i]; key.Value == "no" || key.Value == "false" {
			was := *key
			key.Value, key.Tag, key.Style = "no", yaml.NodeTagString, yaml.DoubleQuotedStyle
			return func() { *key = was }
		}
	}
	return func() {}
}

// identify checks that the config is a FluxTrust at all: nothing else that can
// be said about a foreign object would help.
func (p *problems) identify(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		p.addExample("", minimal, "the config is %s, not an object; write for example:", describe(root))
		return
	}
	version, kind := scalar(root, "apiVersion"), scalar(root, "kind")
	for i := 0; i+1 < len(root.Content); i += 2 {
		p.lines[root.Content[i].Value] = root.Content[i].Line
	}
	switch {
	case kind == "ConfigMap" && version == "v1" && scalar(mapping(root, "metadata"), "name") == "function-input":
		p.addExample("kind", minimal, "kpt ran the function without a config, or with configMap: or key=value arguments; "+
			"give a %s with --fn-config FILE, or with configPath: FILE in the Kptfile; for example:", Kind)
	case kind != Kind && nearest(kind, []string{Kind}) != "":
		p.add("kind", "unknown kind %q; did you mean %q?", quote.Kind(kind), Kind)
	case kind != Kind:
		p.addExample("kind", minimal, "the config, which is the first argument, is of kind %q and apiVersion %q; write a %s, for example:", quote.Kind(kind), quote.APIVersion(version), Kind)
	}
	if kind == Kind && version != GroupVersion {
		p.add("apiVersion", "unknown apiVersion %q; write %s", quote.APIVersion(version), GroupVersion)
	}
}

// scalar returns the value of a field, or "" where there is none. kyaml's
// getters panic on what is not a mapping.
func scalar(n *yaml.Node, key string) string {
	if value := value(n, key); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

func mapping(n *yaml.Node, key string) *yaml.Node {
	if value := value(n, key); value != nil && value.Kind == yaml.MappingNode {
		return value
	}
	return &yaml.Node{Kind: yaml.MappingNode}
}

func value(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			if alias := n.Content[i+1].Alias; alias != nil {
				return alias
			}
			return n.Content[i+1]
		}
	}
	return nil
}
