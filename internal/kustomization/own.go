package kustomization

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// What flux-trust writes into a kustomization is its own: patches, generators, and
// the file with the other objects. The rest is the user's.

const (
	// bundleFile holds the ConfigMaps that no generator makes.
	bundleFile = "flux-trust-ca.yaml"
	// generatorMark is an annotation that the options of a generator have, with the
	// name of the config. Unlike a comment it outlives every editor.
	generatorMark = "fluxtrust.dev/generator-of"
	// commentMark stood above generators once.
	commentMark = "# fluxtrust.dev/config: "
)

// Fields of a kustomization that flux-trust writes to.
const (
	patchesKey    = "patches"
	resourcesKey  = "resources"
	generatorsKey = "configMapGenerator"
)

// patchOwner returns the config that an entry of patches is the work of, or "".
func patchOwner(n *yaml.Node) string {
	var p types.Patch
	if n.Decode(&p) != nil {
		return ""
	}
	return patches.Owner(p.Patch)
}

// setPatches makes the patches of a config those that are wanted. The patches of all
// configs stand behind all others, in their order, so that none counts the entries
// that they add, and two configs do not change places with every run.
func (t *text) setPatches(owner string, want []patches.Patch) error {
	l, err := t.list(patchesKey)
	if err != nil {
		return err
	}
	if l == nil {
		l = &list{value: &yaml.Node{}}
	}
	nodes := l.value.Content
	isMarked := func(n *yaml.Node) bool { return patchOwner(n) != "" }
	first := slices.IndexFunc(nodes, isMarked)
	inOrder := first < 0 || !slices.ContainsFunc(nodes[first:], func(n *yaml.Node) bool { return !isMarked(n) })
	own := slices.DeleteFunc(slices.Clone(nodes), func(n *yaml.Node) bool { return patchOwner(n) != owner })
	if inOrder && len(own) == len(want) {
		return t.updatePatches(owner, nodes, want)
	}
	if len(want) == 0 {
		return t.remove(patchesKey, func(n *yaml.Node) bool { return patchOwner(n) == owner })
	}
	tail := t.newTail(l, owner, want)
	if err := t.remove(patchesKey, isMarked); err != nil {
		return err
	}
	for _, e := range tail {
		if err := t.add(patchesKey, e); err != nil {
			return err
		}
	}
	return nil
}

// updatePatches replaces patches in their places.
func (t *text) updatePatches(owner string, nodes []*yaml.Node, want []patches.Patch) error {
	for i, n := range nodes {
		if patchOwner(n) != owner {
			continue
		}
		if !samePatch(n, want[0]) {
			if err := t.replace(patchesKey, i, entry{node: want[0].Node()}); err != nil {
				return err
			}
		}
		want = want[1:]
	}
	return nil
}

// samePatch reports whether an entry is a patch, but for the newline at its end, which
// the last line of a file may lack.
func samePatch(n *yaml.Node, p patches.Patch) bool {
	var have, want types.Patch
	if n.Decode(&have) != nil || p.Node().Decode(&want) != nil {
		return false
	}
	have.Patch, want.Patch = strings.TrimRight(have.Patch, "\n"), strings.TrimRight(want.Patch, "\n")
	return reflect.DeepEqual(have, want)
}

// newTail returns the marked patches as they are to stand at the end of the list.
func (t *text) newTail(l *list, owner string, want []patches.Patch) []entry {
	var tail []entry
	var spans []span
	if !l.flow && len(l.value.Content) > 0 {
		spans = t.entries(l)
	}
	end := -1
	for i, n := range l.value.Content {
		switch patchOwner(n) {
		case "":
		case owner:
			if len(want) > 0 {
				tail, want = append(tail, entry{node: want[0].Node()}), want[1:]
			}
			end = len(tail)
		default:
			e := entry{node: n}
			if spans != nil {
				e.lines = slices.Clone(t.lines[spans[i].from:spans[i].to])
			}
			tail = append(tail, e)
		}
	}
	if end < 0 {
		end = len(tail)
	}
	var more []entry
	for _, p := range want {
		more = append(more, entry{node: p.Node()})
	}
	return slices.Insert(tail, end, more...)
}

// generator is an entry of configMapGenerator, as flux-trust writes it.
type generator struct {
	Name      string           `yaml:"name"`
	Namespace string           `yaml:"namespace,omitempty"`
	Files     []string         `yaml:"files"`
	Options   generatorOptions `yaml:"options"`
}

type generatorOptions struct {
	Annotations map[string]string `yaml:"annotations"`
	// DisableNameSuffixHash is for objects whose patches no build tool follows a name
	// into.
	DisableNameSuffixHash bool `yaml:"disableNameSuffixHash,omitempty"`
}

// generatorOwner returns the config that an entry of configMapGenerator is the work
// of, or "".
func generatorOwner(n *yaml.Node) string {
	var g generator
	if n.Decode(&g) == nil && g.Options.Annotations[generatorMark] != "" {
		return g.Options.Annotations[generatorMark]
	}
	for _, comment := range []string{n.HeadComment, firstOf(n).HeadComment} {
		for line := range strings.Lines(comment) {
			if owner, ok := strings.CutPrefix(strings.TrimSpace(line), commentMark); ok {
				return strings.TrimSpace(owner)
			}
		}
	}
	return ""
}

func firstOf(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		return n
	}
	return n.Content[0]
}

// setGenerators makes the generators of a config those that are wanted. What somebody
// has added to one of them stays.
func (t *text) setGenerators(owner string, want []generator) error {
	isOther := func(n *yaml.Node) bool { return generatorOwner(n) == owner && indexOf(want, n) < 0 }
	if err := t.remove(generatorsKey, isOther); err != nil {
		return err
	}
	l, err := t.list(generatorsKey)
	if err != nil {
		return err
	}
	var have []*yaml.Node
	if l != nil {
		have = l.value.Content
	}
	done := map[int]bool{}
	for i, n := range have {
		at := indexOf(want, n)
		if at < 0 || generatorOwner(n) != owner {
			continue
		}
		done[at] = true
		updated, err := want[at].into(n)
		if err != nil {
			return fmt.Errorf("%s: %s[%d]: %w", t.file, generatorsKey, i, err)
		}
		if updated == nil {
			continue
		}
		if err := t.replace(generatorsKey, i, entry{node: updated}); err != nil {
			return err
		}
	}
	return t.addGenerators(want, done)
}

func (t *text) addGenerators(want []generator, done map[int]bool) error {
	for i, g := range want {
		if done[i] {
			continue
		}
		n := &yaml.Node{}
		if err := n.Encode(g); err != nil {
			return fmt.Errorf("%s: %w", t.file, err)
		}
		if err := t.add(generatorsKey, entry{node: n}); err != nil {
			return err
		}
	}
	return nil
}

// indexOf returns which generator an entry is, or -1.
func indexOf(generators []generator, n *yaml.Node) int {
	var own generator
	if n.Decode(&own) != nil {
		return -1
	}
	return slices.IndexFunc(generators, func(g generator) bool { return g.Name == own.Name && g.Namespace == own.Namespace })
}

// into returns an entry with the files and the mark of a generator, or nil where it
// has them.
func (g generator) into(n *yaml.Node) (*yaml.Node, error) {
	var have generator
	if err := n.Decode(&have); err != nil {
		return nil, err
	}
	if slices.Equal(have.Files, g.Files) && have.Options.Annotations[generatorMark] != "" {
		return nil, nil
	}
	files := yaml.NewListRNode(g.Files...)
	work := yaml.NewRNode(n).Copy()
	work.YNode().HeadComment, firstOf(work.YNode()).HeadComment = "", ""
	mark := g.Options.Annotations[generatorMark]
	return work.YNode(), work.PipeE(
		yaml.Tee(yaml.SetField("files", files)),
		yaml.LookupCreate(yaml.MappingNode, "options", "annotations"), yaml.SetField(generatorMark, yaml.NewStringRNode(mark)))
}

// set makes the work of a config what is wanted.
func (t *text) set(owner string, want []patches.Patch, generators []generator, bundle bool) error {
	if err := t.setBundle(bundle); err != nil {
		return err
	}
	if err := t.setPatches(owner, want); err != nil {
		return err
	}
	return t.setGenerators(owner, generators)
}

// setBundle lists the file with the objects, or takes it off the list.
func (t *text) setBundle(listed bool) error {
	isBundle := func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && path.Clean(n.Value) == bundleFile }
	if !listed {
		return t.remove(resourcesKey, isBundle)
	}
	l, err := t.list(resourcesKey)
	if err != nil || l != nil && slices.ContainsFunc(l.value.Content, isBundle) {
		return err
	}
	return t.add(resourcesKey, entry{node: &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: bundleFile}})
}

// checkKept compares a text with the one before: what is not the work of the owner
// must mean the same, but for the newline at the end of the last line.
func (t *text) checkKept(before *text, owner string) error {
	x, err := before.rest(owner)
	if err != nil {
		return err
	}
	y, err := t.rest(owner)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(x, y) {
		return fmt.Errorf("%s: %w: write its lists as blocks, one entry a line, without anchors", t.file, errEdit)
	}
	return nil
}

// rest returns what a text says beside the work of an owner.
func (t *text) rest(owner string) (any, error) {
	var k types.Kustomization
	if err := k.Unmarshal(t.bytes()); err != nil {
		return nil, fmt.Errorf("%s: %s", t.file, quote.Without(err.Error(), t.bytes()))
	}
	isOwn := func(p types.Patch) bool { return patches.Owner(p.Patch) == owner }
	// Patches of other configs move behind those of users.
	ours := func(p types.Patch) bool { return patches.Owner(p.Patch) != "" }
	users := slices.DeleteFunc(slices.Clone(k.Patches), ours)
	others := slices.DeleteFunc(k.Patches, func(p types.Patch) bool { return isOwn(p) || !ours(p) })
	k.Patches = slices.Concat(users, others)
	k.Resources = slices.DeleteFunc(k.Resources, func(r string) bool { return path.Clean(r) == bundleFile })
	l, err := t.list(generatorsKey)
	if err != nil {
		return nil, err
	}
	var generators []types.ConfigMapArgs
	for i, g := range k.ConfigMapGenerator {
		if l == nil || i >= len(l.value.Content) || generatorOwner(l.value.Content[i]) != owner {
			generators = append(generators, g)
		}
	}
	k.ConfigMapGenerator = generators
	out, err := sigsyaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	var rest any
	if err := sigsyaml.Unmarshal(out, &rest); err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	return trimmed(rest), nil
}

// trimmed returns a value whose texts end without newlines.
func trimmed(value any) any {
	switch value := value.(type) {
	case string:
		return strings.TrimRight(value, "\n")
	case []any:
		for i := range value {
			value[i] = trimmed(value[i])
		}
	case map[string]any:
		for k := range value {
			value[k] = trimmed(value[k])
		}
	}
	return value
}
