package kustomization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Lists in brackets, as in resources: [a.yaml, b.yaml], are changed byte by byte.

// madeFlow is what is left of a list that flux-trust has made in a kustomization in
// braces, when its entries are gone.
const madeFlow = "[  ]"

// plain matches texts that need no quotes.
var plain = pattern.Pattern{Text: `^[A-Za-z][A-Za-z0-9._/-]*$`}

// offset returns where a node begins in the joined lines.
func (t *text) offset(n *yaml.Node) int {
	at := 0
	for _, line := range t.lines[:n.Line-1] {
		at += len(line)
	}
	line := t.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(line)
		at, line = at+size, line[size:]
	}
	return at
}

// flowEnd returns where a value in braces or brackets ends, which begins at an offset.
func flowEnd(all string, at int) int {
	depth, last := 0, at
	for at < len(all) {
		c := all[at]
		switch {
		case c == '#' && isSpace(all[max(0, at-1)]):
			at += max(1, len(breaks.Get().Split(all[at:], 2)[0]))
			continue
		case c == '"' || c == '\'':
			at = quoteEnd(all, at)
			last = at
			continue
		case c == '[' || c == '{':
			depth++
		case depth == 0 && (c == ',' || c == ']' || c == '}'):
			return last
		case c == ']' || c == '}':
			depth--
		}
		at++
		if !isSpace(c) {
			last = at
		}
	}
	return last
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// quoteEnd returns where a quoted text ends.
func quoteEnd(all string, at int) int {
	quote := all[at]
	for at++; at < len(all); at++ {
		switch {
		case quote == '"' && all[at] == '\\':
			at++
		case all[at] != quote:
		case quote == '\'' && at+1 < len(all) && all[at+1] == '\'':
			at++
		default:
			return at + 1
		}
	}
	return at
}

// splice replaces a part of the joined lines.
func (t *text) splice(from, to int, with string) error {
	all := strings.Join(t.lines, "")
	all = all[:from] + with + all[to:]
	t.lines = nil
	for at := breaks.Get().FindStringIndex(all); at != nil; at = breaks.Get().FindStringIndex(all) {
		t.lines, all = append(t.lines, all[:at[1]]), all[at[1]:]
	}
	if all != "" {
		t.lines = append(t.lines, all)
	}
	return t.parse()
}

func (t *text) addFlow(key string, l *list, entry *yaml.Node) error {
	all := strings.Join(t.lines, "")
	text, err := t.renderFlow(entry)
	if err != nil {
		return err
	}
	switch {
	case l == nil:
		end := flowEnd(all, t.offset(t.root.Content[len(t.root.Content)-1]))
		return t.splice(end, end, fmt.Sprintf(", %q: [ %s ]", key, text))
	case !l.flow:
		return fmt.Errorf("%s: %s: %w; write the list in brackets", t.file, key, errEdit)
	case len(l.value.Content) == 0:
		begin := t.offset(l.value) + 1
		return t.splice(begin, begin, text)
	}
	end := flowEnd(all, t.offset(l.value.Content[len(l.value.Content)-1]))
	return t.splice(end, end, ", "+text)
}

func (t *text) removeFlow(key string, l *list, ours func(*yaml.Node) bool) error {
	all := strings.Join(t.lines, "")
	for i, n := range l.value.Content {
		if !ours(n) {
			continue
		}
		from, to := t.offset(n), flowEnd(all, t.offset(n))
		switch {
		case i > 0:
			from = flowEnd(all, t.offset(l.value.Content[i-1]))
		case len(l.value.Content) > 1:
			to = t.offset(l.value.Content[1])
		}
		if err := t.splice(from, to, ""); err != nil {
			return err
		}
		return t.remove(key, ours) // the others stand elsewhere now
	}
	return nil
}

// dropFlow removes a list in braces that flux-trust has made and that is empty.
func (t *text) dropFlow(key string) error {
	all := strings.Join(t.lines, "")
	for i := 2; i+1 < len(t.root.Content); i += 2 {
		value := t.root.Content[i+1]
		begin := t.offset(value)
		if t.root.Content[i].Value == key && strings.HasPrefix(all[begin:], madeFlow) {
			return t.splice(flowEnd(all, t.offset(t.root.Content[i-1])), begin+len(madeFlow), "")
		}
	}
	return nil
}

// renderFlow returns an entry in one line.
func (t *text) renderFlow(entry *yaml.Node) (string, error) {
	if entry.Kind == yaml.ScalarNode && plain.Get().MatchString(entry.Value) && !t.isFlow() {
		return entry.Value, nil
	}
	var value any
	if err := entry.Decode(&value); err != nil {
		return "", fmt.Errorf("%s: %w", t.file, err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("%s: %w", t.file, err)
	}
	return strings.TrimSpace(out.String()), nil
}
