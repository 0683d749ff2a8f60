package stream

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// merger merges the lines of a change into a text.
type merger struct {
	base string
	// change leads from base to the changed resource in the style of the writer, style
	// to the text.
	change, style []udiff.Edit
}

func newMerger(base, ours, theirs string) *merger {
	return &merger{base: base, change: udiff.Lines(base, theirs), style: styleEdits(base, ours)}
}

// merge applies to base what leads to theirs, and, wherever that leaves the
// lines alone, what leads to ours. The change may be aligned with the style first.
func (m *merger) merge(aligned bool) (string, bool) {
	change := m.change
	if aligned {
		change = align(change, m.style, m.base)
	}
	at := 0 // the first change that does not end before a line of style
	style := slices.DeleteFunc(slices.Clone(m.style), func(s udiff.Edit) bool {
		for at < len(change) && change[at].End <= s.Start {
			at++
		}
		return at < len(change) && change[at].Start < s.End
	})
	// At the same place the change comes first: a blank line after a list
	// stays behind what is appended to the list.
	edits, ok := udiff.Merge(change, style)
	if !ok {
		return "", false
	}
	merged, err := udiff.Apply(m.base, edits)
	return merged, err == nil
}

// lineCounter counts the lines before offsets that increase.
type lineCounter struct {
	text       string
	at, before int
}

func (c *lineCounter) upTo(offset int) int {
	c.before += strings.Count(c.text[c.at:offset], "\n")
	c.at = offset
	return c.before
}

// styleEdits returns what leads from base to ours. Lines that differ in white
// space alone, or that have the same key, are paired, so that each is an edit of its own
// and a change displaces no more style than that of its own lines.
func styleEdits(base, ours string) []udiff.Edit {
	p := pairer{base: strings.SplitAfter(base, "\n"), ours: strings.SplitAfter(ours, "\n")}
	folded := foldSpace(p.base)
	lines := lineCounter{text: folded}
	for _, e := range udiff.Lines(folded, foldSpace(p.ours)) {
		p.pair(lines.upTo(e.Start))
		until, count := lines.upTo(e.End), strings.Count(e.New, "\n")
		if p.sameKeys(until, count) {
			p.pair(until)
		} else {
			p.replace(until, count)
		}
	}
	p.pair(len(p.base))
	return p.edits
}

// pairer goes through the lines of two texts side by side.
type pairer struct {
	base, ours []string
	// line and ourLine are the next lines, and offset that of line in base.
	line, ourLine, offset int
	edits                 []udiff.Edit
}

// pair pairs the lines before a line of base with as many.
func (p *pairer) pair(until int) {
	for p.line < until {
		p.replace(p.line+1, 1)
	}
}

// replace puts some lines into the place of those before a line of base.
func (p *pairer) replace(until, count int) {
	old, text := strings.Join(p.base[p.line:until], ""), strings.Join(p.ours[p.ourLine:p.ourLine+count], "")
	end := p.offset + len(old)
	if old != text {
		p.edits = append(p.edits, udiff.Edit{Start: p.offset, End: end, New: text})
	}
	p.line, p.ourLine, p.offset = until, p.ourLine+count, end
}

// sameKeys reports whether the lines before a line of base, and as many of ours, have the
// same keys.
func (p *pairer) sameKeys(until, count int) bool {
	return until-p.line == count && slices.EqualFunc(p.base[p.line:until], p.ours[p.ourLine:p.ourLine+count], func(a, b string) bool {
		a, _, ok := strings.Cut(strings.TrimSpace(a), ": ")
		return ok && strings.HasPrefix(strings.TrimSpace(b), a+": ")
	})
}

// foldSpace joins lines with every run of white space in them folded.
func foldSpace(lines []string) string {
	var out strings.Builder
	for i, line := range lines {
		out.WriteString(strings.Join(strings.Fields(line), " "))
		if i < len(lines)-1 {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// stripped returns a text whose last scalar has the value that it had before a newline
// was put behind it: where it is a block scalar, its header says so.
func stripped(text string, original *yaml.RNode) string {
	last := original.YNode()
	for len(last.Content) > 0 {
		last = last.Content[len(last.Content)-1]
	}
	lines := strings.SplitAfter(text, "\n")
	if last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 || last.Line < 1 || last.Line > len(lines) {
		return text
	}
	lines[last.Line-1] = blockHeader.Get().ReplaceAllString(lines[last.Line-1], "$1$2-$3$4")
	return strings.Join(lines, "")
}

// blockHeader matches the indicators of a block scalar at the end of a line.
var blockHeader = pattern.Pattern{Text: `([|>])([1-9]?)[-+]?([1-9]?)([ \t]*(?:[ \t]#.*)?\n)$`}
