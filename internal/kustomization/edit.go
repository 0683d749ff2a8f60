package kustomization

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// wasEmpty stands behind the colon of a list that was there and empty before entries
// were added to it; what stood behind the colon follows. A list that flux-trust has
// made goes with its last entry.
const wasEmpty = " # without flux-trust:"

// text is the text of a kustomization. Entries are put into its lists and taken out of
// them as lines, so that all others stay as they are, whatever their style.
type text struct {
	file string
	// mark is a byte order mark, eol how lines end. open says that the last does not.
	mark, eol string
	open      bool
	lines     []string
	root      *yaml.Node
	// end is the line behind the last of the first document.
	end int
}

// breaks matches what ends a line in YAML 1.1.
var breaks = pattern.Pattern{Text: "\r\n|[\r\n\u0085\u2028\u2029]"}

// marker matches a line that ends a document.
var marker = pattern.Pattern{Text: `^(---|\.\.\.)(\s|$)`}

func newText(file string, data []byte) (*text, error) {
	t := &text{file: file, eol: "\n"}
	rest := string(data)
	if after, ok := strings.CutPrefix(rest, "\ufeff"); ok {
		t.mark, rest = "\ufeff", after
	}
	if first := breaks.Get().FindString(rest); first != "" {
		t.eol = first
	}
	t.open = rest != "" && !breaks.Get().MatchString(rest[max(0, len(rest)-len("\u2028")):])
	for at := breaks.Get().FindStringIndex(rest); at != nil; at = breaks.Get().FindStringIndex(rest) {
		t.lines, rest = append(t.lines, rest[:at[1]]), rest[at[1]:]
	}
	if rest != "" {
		t.open = true
		t.lines = append(t.lines, rest+t.eol)
	} else {
		t.open = false
	}
	return t, t.parse()
}

// bytes returns the text.
func (t *text) bytes() []byte {
	all := t.mark + strings.Join(t.lines, "")
	if t.open {
		all = strings.TrimSuffix(all, t.eol)
	}
	return []byte(all)
}

// parse reads the lines. kustomize reads the first document, and only its first is
// known to be no more than that.
func (t *text) parse() error {
	decoder := yaml.NewDecoder(strings.NewReader(strings.Join(t.lines, "")))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("%s: is not valid YAML: %s", t.file, quote.Reader(err))
	}
	if err := decoder.Decode(&more); err == nil && len(more.Content) > 0 && !isNull(more.Content[0]) {
		return fmt.Errorf("%s: is not a kustomization: it must hold one document", t.file)
	}
	t.root = document.Content[0]
	if t.root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: is not a kustomization: expected fields such as resources", t.file)
	}
	t.end = len(t.lines)
	for i := t.root.Line; i < len(t.lines); i++ {
		if marker.Get().MatchString(t.lines[i]) {
			t.end = i
			break
		}
	}
	return nil
}

// list is a list of entries in a text.
type list struct {
	value *yaml.Node
	// key is the line of the key, end the line behind its last.
	key, end int
	// indent is how far the entries are indented.
	indent int
	// flow says that the list is written in brackets.
	flow bool
}

// list returns a list of the kustomization, or nil where there is none. Of several
// keys kustomize takes the last, in any case.
func (t *text) list(key string) (*list, error) {
	var l *list
	for i := 0; i+1 < len(t.root.Content); i += 2 {
		k, value := t.root.Content[i], t.root.Content[i+1]
		if l != nil {
			l.end = min(l.end, k.Line-1)
		}
		if !strings.EqualFold(k.Value, key) {
			continue
		}
		l = &list{value: value, key: k.Line - 1, end: t.end, indent: t.indent(), flow: value.Style&yaml.FlowStyle != 0}
		switch {
		case value.Kind == yaml.SequenceNode && !l.flow && len(value.Content) > 0:
			l.indent = value.Column - 1
		case value.Kind == yaml.SequenceNode, isNull(value):
		default:
			return nil, fmt.Errorf("%s: %s: expected a list", t.file, key)
		}
		for j := i + 2; j < len(t.root.Content); j += 2 {
			l.end = min(l.end, t.root.Content[j].Line-1)
		}
	}
	return l, nil
}

// indent returns how far the lists of a kustomization are indented.
func (t *text) indent() int {
	for i := 1; i < len(t.root.Content); i += 2 {
		if v := t.root.Content[i]; v.Kind == yaml.SequenceNode && v.Style&yaml.FlowStyle == 0 && len(v.Content) > 0 {
			return v.Column - 1
		}
	}
	return t.column()
}

// column is where the keys of the kustomization stand.
func (t *text) column() int { return max(t.root.Column-1, 0) }

// isFlow reports whether the whole kustomization is written in braces.
func (t *text) isFlow() bool { return t.root.Style&yaml.FlowStyle != 0 }

// span is some lines, from the first to the one behind the last.
type span struct{ from, to int }

// entries returns where the entries of a block list stand. Comments before and
// behind an entry are not part of it.
func (t *text) entries(l *list) []span {
	var spans []span
	for _, n := range l.value.Content {
		from := n.Line - 1
		for from > l.key && !t.isEntry(from, l.indent) {
			from--
		}
		if len(spans) > 0 {
			spans[len(spans)-1].to = from
		}
		spans = append(spans, span{from, l.end})
	}
	for i := range spans {
		for spans[i].to > spans[i].from+1 && t.isBehind(spans[i].to-1, l.indent) {
			spans[i].to--
		}
	}
	return spans
}

// isEntry reports whether an entry of a list begins in a line.
func (t *text) isEntry(line, indent int) bool {
	rest, ok := strings.CutPrefix(t.lines[line], strings.Repeat(" ", indent))
	return ok && strings.HasPrefix(rest, "-")
}

// isBehind reports whether a line is blank, or a comment that is not indented enough
// to be a part of an entry.
func (t *text) isBehind(line, indent int) bool {
	trimmed := strings.TrimSpace(t.lines[line])
	spaces := len(t.lines[line]) - len(strings.TrimLeft(t.lines[line], " "))
	return trimmed == "" || trimmed[0] == '#' && spaces <= indent
}

// errEdit says that a text is written in a way in which entries cannot be put into it.
var errEdit = errors.New("cannot be changed without changing your entries")

// remove takes entries out of a list, and the list when it is empty then and
// flux-trust has made it.
func (t *text) remove(key string, ours func(*yaml.Node) bool) error {
	l, err := t.list(key)
	if err != nil || l == nil || !slices.ContainsFunc(l.value.Content, ours) {
		return err
	}
	if l.flow {
		if err := t.removeFlow(key, l, ours); err != nil || !t.isFlow() {
			return err
		}
		return t.dropFlow(key)
	}
	spans := t.entries(l)
	left := len(spans)
	for i := len(spans) - 1; i >= 0; i-- {
		if ours(l.value.Content[i]) {
			t.lines = slices.Delete(t.lines, t.withMark(spans[i].from), spans[i].to)
			left--
		}
	}
	if left == 0 {
		t.drop(l)
	}
	return t.parse()
}

// oldMark is how entries were marked once.
var oldMark = pattern.Pattern{Text: `^\s*# fluxtrust\.dev/config: `}

// withMark returns the first line of an entry with the comment that marks it.
func (t *text) withMark(line int) int {
	if line > 0 && oldMark.Get().MatchString(t.lines[line-1]) {
		return line - 1
	}
	return line
}

// drop removes the key of a list without entries, or gives back what stood there.
func (t *text) drop(l *list) {
	line := t.lines[l.key]
	before, after, ok := strings.Cut(line, wasEmpty)
	switch {
	case ok:
		t.lines[l.key] = before + after
	case strings.HasSuffix(strings.TrimSpace(line), ":"):
		t.lines = slices.Delete(t.lines, l.key, l.key+1)
	}
}

// entry is one to be written: a node, or the lines that it had.
type entry struct {
	node  *yaml.Node
	lines []string
}

// add puts an entry at the end of a list, which it makes where there is none.
func (t *text) add(key string, e entry) error {
	l, err := t.list(key)
	if err != nil {
		return err
	}
	if t.isFlow() || l != nil && l.flow && (len(l.value.Content) > 0 || !t.isShort(l)) {
		return t.addFlow(key, l, e.node)
	}
	var at int
	made := ""
	switch {
	case l == nil:
		for at = t.end; at > 0 && strings.TrimSpace(t.lines[at-1]) == ""; at-- { //nolint:revive // to the last line
		}
		made, l = strings.Repeat(" ", t.column())+key+":"+t.eol, &list{indent: t.indent()}
	case len(l.value.Content) > 0:
		spans := t.entries(l)
		at = spans[len(spans)-1].to
	default:
		at = l.key + 1
		colon := strings.Index(t.lines[l.key], ":")
		t.lines[l.key] = t.lines[l.key][:colon+1] + wasEmpty + t.lines[l.key][colon+1:]
	}
	block, err := t.render(e, l.indent)
	if err != nil {
		return err
	}
	if made != "" {
		block = append([]string{made}, block...)
	}
	t.lines = slices.Insert(t.lines, at, block...)
	return t.parse()
}

// replace writes an entry of a list in place of an old one.
func (t *text) replace(key string, i int, e entry) error {
	l, err := t.list(key)
	if err != nil {
		return err
	}
	if l.flow {
		line, err := t.renderFlow(e.node)
		if err != nil {
			return err
		}
		from := t.offset(l.value.Content[i])
		return t.splice(from, flowEnd(strings.Join(t.lines, ""), from), line)
	}
	block, err := t.render(e, l.indent)
	if err != nil {
		return err
	}
	old := t.entries(l)[i]
	t.lines = slices.Replace(t.lines, t.withMark(old.from), old.to, block...)
	return t.parse()
}

// isShort reports whether an empty list ends in the line of its key.
func (t *text) isShort(l *list) bool {
	return regexp.MustCompile(`:\s*\[\s*\]\s*(#.*)?$`).MatchString(strings.TrimRight(t.lines[l.key], "\r\n"))
}

// render returns the lines of an entry.
func (t *text) render(e entry, indent int) ([]string, error) {
	if e.lines != nil {
		return e.lines, nil
	}
	var out strings.Builder
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(&yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq, Content: []*yaml.Node{e.node}}); err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		lines = append(lines, line+t.eol)
	}
	return lines, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull }
