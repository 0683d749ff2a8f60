package patches

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Target selects the resources of a patch, as in a kustomization.
type Target struct {
	// Kind of the resources.
	Kind string
	// Name is a regular expression over the whole name.
	Name string
	// Namespace of the resources, or "" for any.
	Namespace string
}

// Selects tells whether kustomize applies the patch to a resource.
func (t Target) Selects(kind, namespace, name string) bool {
	pattern, err := regexp.Compile(t.Name)
	return err == nil && t.Kind == kind && (t.Namespace == "" || t.Namespace == namespace) && pattern.MatchString(name)
}

// Patch is a strategic-merge patch and whom it is for.
type Patch struct {
	Target Target
	// Body is the YAML of the patch.
	Body string
	// Names and Namespaces are those of the workloads that the patch was made for.
	Names, Namespaces []string
}

// annotation says whose work a workload is, marker whose work a patch is: it is the
// first line of the patch, and stands inside of it, so it gets wherever the patch gets.
const (
	annotation = "fluxtrust.dev/config"
	marker     = "# " + annotation + ": "
)

// Mark returns the first line of a patch that is the work of a config.
func Mark(owner string) string { return marker + owner + "\n" }

// Owner returns the name of the config that a patch has been printed for, or ""
// for somebody else's. Where a tool has dropped the comments of the patch, the
// annotation that the patch sets says it.
func Owner(body string) string {
	line, _, _ := strings.Cut(body, "\n")
	if owner, ok := strings.CutPrefix(line, marker); ok {
		return strings.TrimSpace(owner)
	}
	if !strings.Contains(body, annotation) {
		return ""
	}
	var patch struct {
		Metadata struct {
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"metadata"`
	}
	if yaml.Unmarshal([]byte(body), &patch) != nil { // or a list of operations
		return ""
	}
	return patch.Metadata.Annotations[annotation]
}

// Change is a workload before and after. Neither may hold aliases.
type Change struct {
	Before, After *yaml.Node
	// Stock tells that the workload stands for all of its kind: the patch is to fit
	// every name that a stock release, a chart or a shard gives a controller, with a
	// prefix, a suffix, or both.
	Stock bool
}

// Of returns the patches that make every workload before what it is after,
// marked as those of the config owner. Workloads of the same kind that change in
// the same way share a patch.
func Of(owner string, changes []Change) ([]Patch, error) {
	var found []Patch
	split := namespaces(changes) > 1
	for _, c := range changes {
		p := Patch{Target: Target{Kind: text(c.After, "kind")}}
		name := text(c.After, "metadata", "name")
		if split {
			p.Target.Namespace = text(c.After, "metadata", "namespace")
		}
		var err error
		if p.Body, err = body(owner, c); err != nil {
			return nil, fmt.Errorf("%s %s: %w", quote.Kind(p.Target.Kind), quote.Name(name), err)
		}
		if p.Body == "" {
			continue
		}
		i := slices.IndexFunc(found, func(f Patch) bool {
			return f.Body == p.Body && f.Target.Kind == p.Target.Kind && f.Target.Namespace == p.Target.Namespace
		})
		if i < 0 {
			i, found = len(found), append(found, p)
		}
		found[i].Names = with(found[i].Names, name)
		found[i].Namespaces = with(found[i].Namespaces, text(c.After, "metadata", "namespace"))
		found[i].Target.Name = pattern(found[i].Names, c.Stock)
	}
	return found, nil
}

// with adds a text to a list that has each once.
func with(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// namespaces counts the namespaces of workloads.
func namespaces(changes []Change) int {
	seen := map[string]bool{}
	for _, c := range changes {
		seen[text(c.After, "metadata", "namespace")] = true
	}
	return len(seen)
}

// pattern returns a regular expression over whole names. kustomize would put its
// own anchors around the first and the last alternative only.
func pattern(names []string, stock bool) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	joined := strings.Join(quoted, "|")
	if len(names) > 1 {
		joined = "(" + joined + ")"
	}
	if stock {
		joined = "(.+-)?" + joined + "(-.+)?"
	}
	return "^" + joined + "$"
}

// body returns the text of a patch, or "" where nothing changes.
func body(owner string, c Change) (string, error) {
	diff, err := Diff(c.Before, c.After)
	if err != nil || diff == nil {
		return "", err
	}
	patch := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	for _, key := range []string{"apiVersion", "kind"} {
		set(patch, key, plain(lookup(c.After, key)))
	}
	// kustomize wants a name, and takes the one of the target. This one says so.
	meta := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	set(meta, "name", &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: "all"})
	if changed := lookup(diff, "metadata"); changed != nil {
		meta.Content = append(meta.Content, changed.Content...)
	}
	set(patch, "metadata", meta)
	for i := 0; i+1 < len(diff.Content); i += 2 {
		if key := diff.Content[i].Value; key != "metadata" {
			set(patch, key, diff.Content[i+1])
		}
	}
	out, err := encode(patch)
	if err != nil {
		return "", err
	}
	if at := placeholder("", patch); at != "" {
		return "", &Error{Path: at, Message: "the patch would hold a ${…}, which Flux's substitution replaces; write the value itself in the config"}
	}
	return Mark(owner) + out, nil
}

// placeholder returns the path of a value that Flux's substitution would replace,
// or "".
func placeholder(path string, n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		return path
	}
	for i, child := range n.Content {
		at := path
		switch {
		case n.Kind == yaml.SequenceNode:
			at = fmt.Sprintf("%s[%d]", path, i)
		case i%2 == 1:
			at = join(path, n.Content[i-1].Value)
		}
		if found := placeholder(at, child); found != "" {
			return found
		}
	}
	return ""
}

// encode writes YAML in the style that Flux's own examples have.
func encode(n *yaml.Node) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(n); err != nil {
		return "", fmt.Errorf("encoding a patch: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return "", fmt.Errorf("encoding a patch: %w", err)
	}
	return out.String(), nil
}

// text returns the string below some keys, or "".
func text(n *yaml.Node, keys ...string) string {
	for _, key := range keys {
		if n = lookup(n, key); n == nil {
			return ""
		}
	}
	return n.Value
}

// Node returns the entry of a list of patches in a kustomization, a Flux
// Kustomization, a FluxInstance or a post-renderer: target, and patch as a
// literal block.
func (p Patch) Node() *yaml.Node {
	scalar := func(value string, style yaml.Style) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value, Style: style}
	}
	target := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	set(target, "kind", scalar(p.Target.Kind, 0))
	set(target, "name", scalar(p.Target.Name, 0))
	if p.Target.Namespace != "" {
		set(target, "namespace", scalar(p.Target.Namespace, 0))
	}
	entry := &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}
	set(entry, "target", target)
	set(entry, "patch", scalar(p.Body, yaml.LiteralStyle))
	return entry
}
