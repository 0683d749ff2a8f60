package transformer

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/inventory"
)

// references are the names by which resources of some kinds are referred to. What is
// referred to may stand before what refers to it, so what was left out is remembered.
type references struct {
	names map[string]bool
	// odd are those that are no names for the API server, such as one with a ${…}.
	odd [][]byte
	// left are the texts of what was left out, until somebody asks for a name: then
	// owned are the names in them.
	left  []leftOut
	owned map[string]bool
	// unsure is set where what was left out may have any name.
	unsure bool
}

// leftOut is a resource that was left out: its text, and what returns the part of it with
// the name that counts.
type leftOut struct {
	text []byte
	part func(text []byte) []byte
}

// mostLeft is how many texts are remembered. With more, any name may be in them.
const mostLeft = 1 << 12

// need reports whether a resource may have one of the names, from its text. One that has
// none is remembered.
func (r *references) need(text []byte, part func(text []byte) []byte) bool {
	if len(r.names) > 0 {
		for name := range namesIn(part(text), text) {
			if name == "" || r.names[name] {
				return true
			}
		}
	}
	if slices.ContainsFunc(r.odd, func(name []byte) bool { return bytes.Contains(text, name) }) {
		return true
	}
	switch {
	case r.unsure:
	case r.owned != nil:
		r.own(leftOut{text, part})
	case len(r.left) == mostLeft:
		r.unsure, r.left = true, nil
	default:
		r.left = append(r.left, leftOut{text, part})
	}
	return false
}

// own notes the names of a resource that was left out.
func (r *references) own(l leftOut) {
	for name := range namesIn(l.part(l.text), l.text) {
		r.owned[name] = true
		r.unsure = r.unsure || name == ""
	}
}

// ask adds a name, and reports whether it may be that of a resource that was left out.
func (r *references) ask(name string) bool {
	if r.names[name] {
		return false
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	r.names[name] = true
	if strings.ContainsAny(name, notInNames) || len(name) > longestName {
		r.odd = append(r.odd, []byte(name))
		return r.unsure || len(r.left)+len(r.owned) > 0
	}
	if r.owned == nil && !r.unsure {
		r.owned = map[string]bool{}
		for _, l := range r.left {
			r.own(l)
		}
		r.left = nil
	}
	return r.unsure || r.owned[name]
}

// forget forgets what was left out, and keeps the names.
func (r *references) forget() { r.left, r.owned, r.unsure = nil, nil, false }

const (
	// longestName is how long a name may be for the API server.
	longestName = 253
	spaces      = " \t\r\n"
	// notInNames ends a name in YAML and JSON, whatever its quotes are.
	notInNames = spaces + ",\"'{}[]"
)

// maxAliases is how many aliases are resolved: each is looked for in all of the text.
const maxAliases = 100

// namesIn returns the names that a part of a text holds: the values of its keys "name" and
// "previousNames" at any depth, and without the suffixes of kustomize. The name "" stands
// for one that is written so that the text does not say it.
func namesIn(part, text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		if hasKeyAlias(part) && !yield("") {
			return
		}
		aliases := 0
		for {
			var value []byte
			if value, part = nextName(part); value == nil {
				return
			}
			if value[0] == '[' || value[0] == '{' { // a field of another type
				continue
			}
			for more := true; more; {
				word := value[:wordEnd(value)]
				if more = len(word) < len(value) && value[len(word)] == ','; more {
					value = value[len(word)+1:]
				}
				name := ""
				if aliases += bytes.Count(word, []byte("*")); aliases <= maxAliases {
					name = string(resolve(word, text))
				}
				if !yield(name) || hasSuffix(name) && !yield(inventory.WithoutSuffix(name)) {
					return
				}
			}
		}
	}
}

// hasKeyAlias reports whether an alias stands for a key, which may be name.
func hasKeyAlias(part []byte) bool {
	for {
		at := bytes.IndexByte(part, '*')
		if at < 0 {
			return false
		}
		part = part[at+1:]
		if rest := bytes.TrimLeft(part[wordEnd(part):], spaces); len(rest) > 0 && rest[0] == ':' {
			return true
		}
	}
}

// resolve returns the scalar for which a word of a text stands, or nil.
func resolve(word, text []byte) []byte {
	if len(word) > 0 && word[0] == '*' {
		anchor := append([]byte("&"), word[1:]...)
		at := bytes.Index(text, append(anchor, ' '))
		if at < 0 || bytes.LastIndex(text, anchor) != at { // or of which it is the beginning
			return nil
		}
		word = bytes.TrimLeft(text[at+len(anchor):], ` "'`)
		word = word[:wordEnd(word)]
	}
	if len(word) == 0 || strings.IndexByte("&*|>#!?%@`", word[0]) >= 0 {
		return nil
	}
	return word
}

// wordEnd returns the offset of the end of the word that a text starts with. A word that
// is too long for a name is cut.
func wordEnd(text []byte) int {
	text = text[:min(len(text), longestName+1)]
	if end := bytes.IndexAny(text, notInNames); end >= 0 {
		return end
	}
	return len(text)
}

// hasSuffix reports whether a name may end in a suffix of kustomize.
func hasSuffix(name string) bool {
	at := len(name) - len("-0123456789")
	return at > 0 && name[at] == '-'
}

// nextName returns the text from the next value of a key "name" or "previousNames" on,
// or nil, and the text behind the key.
func nextName(text []byte) (value, rest []byte) {
	for {
		at := bytes.Index(text, []byte("ame"))
		if at < 0 {
			return nil, nil
		}
		text = text[at+len("ame"):]
		value := bytes.TrimLeft(bytes.TrimLeft(bytes.TrimPrefix(text, []byte("s")), `"'`), spaces)
		if len(value) == 0 || value[0] != ':' {
			continue
		}
		value = bytes.TrimLeft(value[1:], spaces+`"'`)
		if len(value) > 0 && value[0] == '&' { // an anchor
			if end := wordEnd(value); end < len(value) {
				value = bytes.TrimLeft(value[end:], spaces+`"'`)
			}
		}
		if len(value) == 0 {
			return nil, nil
		}
		return value, text
	}
}

// metadata returns the part of the text of a resource with its metadata: all of the text,
// where the part is not in block style by itself.
func metadata(text []byte) []byte {
	if at := field(text, "metadata:"); at >= 0 {
		return withoutAliases(block(text, at), text)
	}
	return text
}

// field returns the offset of a key in the column in which a text starts, or -1: where
// that is no mapping in block style, or where the key stands in two lines, of which one
// may be a part of a scalar.
func field(text []byte, key string) int {
	column, found := -1, -1
	for at, end := 0, lineEnd(text, 0); at < len(text); at, end = end, lineEnd(text, end) {
		line := bytes.TrimLeft(text[at:end], " ")
		if column < 0 { // it may be an item of a list
			line = bytes.TrimLeft(line, "- ")
		}
		if isBlank(line) {
			continue
		}
		first := end - len(line)
		if column < 0 {
			column = first - at
			if line[0] == '{' {
				return -1
			}
		}
		if first-at > column || !bytes.HasPrefix(line, []byte(key)) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = first
	}
	return found
}

// chartRef returns the part of a text with the name of the source of a chart.
func chartRef(text []byte) []byte { return reference(text, "chartRef") }

// reference returns a field of a text that refers to an object, or nil: all of the text,
// where the field is not in block style by itself.
func reference(text []byte, name string) []byte {
	at := bytes.Index(text, []byte(name))
	if at < 0 {
		return nil
	}
	if bytes.LastIndex(text, []byte(name)) != at { // the others are something else, such as parts of patches
		if at = inSpec(text, name+":"); at < 0 {
			return text
		}
	}
	return withoutAliases(block(text, at), text)
}

// inSpec returns the offset of a key of spec, or -1 where the text does not say which it is.
func inSpec(text []byte, key string) int {
	spec := field(text, "spec:")
	if spec < 0 {
		return -1
	}
	start := lineEnd(text, spec)
	at := field(block(text, spec)[start-spec:], key)
	if at < 0 || inQuotes(text[:start+at]) {
		return -1
	}
	return start + at
}

// inQuotes reports whether a scalar may go on behind a text.
func inQuotes(text []byte) bool {
	return bytes.IndexByte(text, '\\') >= 0 || bytes.Count(text, []byte(`"`))%2 == 1 || bytes.Count(text, []byte("'"))%2 == 1
}

// appliesItself reports whether an object may have the name of its source, as the
// Kustomization has by which Flux installs itself.
func appliesItself(text []byte) bool {
	own := slices.Collect(namesIn(metadata(text), text))
	for name := range namesIn(reference(text, "sourceRef"), text) {
		if name == "" || slices.Contains(own, name) || slices.Contains(own, "") {
			return true
		}
	}
	return false
}

// withoutAliases returns a part of a text, or all of it where an alias in the part may
// stand for more than a scalar.
func withoutAliases(part, text []byte) []byte {
	rest := part
	for range maxAliases {
		at := bytes.IndexByte(rest, '*')
		if at < 0 {
			return part
		}
		rest = rest[at:]
		end := wordEnd(rest)
		if resolve(rest[:end], text) == nil {
			return text
		}
		rest = rest[end:]
	}
	return text
}

// block returns a key and its value, from the offset of the key on: in block style what
// is indented deeper, in flow style what stands on its line. Where a part may not be by
// itself, it is all of the text from the key on.
func block(text []byte, key int) []byte {
	near := max(0, key-nearby)
	start, end := near+1+bytes.LastIndexByte(text[near:key], '\n'), lineEnd(text, key)
	before := bytes.TrimLeft(text[start:key], "- ")
	column := key - start - len(before)
	if len(before) > 1 || len(before) == 1 && before[0] != '"' && before[0] != '\'' { // it does not begin its line
		return text[key:]
	}
	if line := text[key:end]; bytes.ContainsAny(line, "{[") {
		opens, closes := bytes.Count(line, []byte("{"))+bytes.Count(line, []byte("[")), bytes.Count(line, []byte("}"))+bytes.Count(line, []byte("]"))
		if opens != closes || bytes.IndexByte(line, '#') >= 0 {
			return text[key:]
		}
		return closed(line, text[key:])
	}
	for at := end; at < len(text); at = end {
		end = lineEnd(text, at)
		line := bytes.TrimLeft(text[at:end], " ")
		if indent := end - at - len(line); !isBlank(line) && (indent < column || indent == column && line[0] != '-') {
			return closed(text[key:at], text[key:])
		}
	}
	return text[key:]
}

// closed returns a part, or all of a text where a scalar may be cut at its end.
func closed(part, text []byte) []byte {
	if inQuotes(part) {
		return text
	}
	return part
}

func isBlank(line []byte) bool { return len(line) == 0 || line[0] == '\n' || line[0] == '#' }

// lineEnd returns the offset behind the line in which an offset is.
func lineEnd(text []byte, at int) int {
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(text)
}
