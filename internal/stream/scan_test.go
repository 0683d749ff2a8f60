package stream

import (
	"bytes"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/corpus"
)

// checkScan holds the scanner against the YAML reader: what it understands is one
// mapping with the apiVersion and kind that it says. It tells whether it
// understands.
func checkScan(t *testing.T, text []byte) bool {
	t.Helper()
	var s scanner
	if !s.document(text) {
		return false
	}
	documents, err := new(reader).chunk(chunk{body: text, line: 1})
	if err != nil || len(documents) != 1 || documents[0].original == nil {
		t.Errorf("understood, but: %v\n%q", err, text)
		return true
	}
	for key, got := range map[string][]byte{"apiVersion": s.apiVersion, "kind": s.kind} {
		want, count := "", 0
		root := documents[0].original.YNode()
		for i := 0; i < len(root.Content); i += 2 {
			if root.Content[i].Value == key {
				count++
				want = root.Content[i+1].Value
			}
		}
		if string(got) != want || count > 1 {
			t.Errorf("%s is %q, not %q (%d of them)\n%q", key, got, want, count, text)
		}
	}
	if s.end > len(text) || len(bytes.TrimSpace(text[:s.end])) == 0 {
		t.Errorf("content ends at %d\n%q", s.end, text)
	}
	return true
}

func TestScan(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\n"
	for name, tc := range map[string]struct {
		text string
		want bool
	}{
		"plain":                   {head + "metadata:\n  name: a\n", true},
		"no final newline":        {head + "metadata:\n  name: a", true},
		"indented":                {"  a: 1\n  b: 2\n", true},
		"lists":                   {"a:\n- b: 1\n  c:\n    - d\n    -   e: 1\n        f: 2\n- - x\n  - y\n-\n  g: 1\nz: 1\n", true},
		"list in its key":         {"a:\n  b:\n  - c\n  d: 1\n", true},
		"nulls":                   {"a:\nb: # none\nc:\n  d:\ne:\n-\n-\n", true},
		"quoted":                  {"a: \"x: \\\"y\\\" # z\" # c\nb: 'it''s: -'\n\"c d\": 1\n'e': 2\n", true},
		"quoted, folded":          {"a: \"x\n\n  y\"\nb: 'x\n  - y: z\n  '\nc: 1\n", true},
		"plain, folded":           {"a: one\n  two - three\n\n  four # c\nb: 1\n", true},
		"block scalars":           {"a: |\n\n  x\n   # y\n  ---\n\n\tz: 1\nb: 1\n", false},
		"block scalars, tabs":     {"a: |-\n  x\n  \ty\n\n\nb: >\n  z\nc: |\nd: 1\n", true},
		"block scalar in a list":  {"a:\n- |\n x\n-  >-\n  y\n", true},
		"empty flow":              {"a: {}\nb: [] # c\nc:\n- {}\n", true},
		"comments":                {"# a\na: 1\n  # b\n\n# c\nb:\n# d\n  c: 1 # e\n# f\n", true},
		"colons":                  {"a: b:c\nd: http://x:80/\n:e: :f\n-g: -1\n", true},
		"characters":              {"ä: “ü” 😀\n", true},
		"quoted head":             {"\"apiVersion\": 'v1'\n'kind': \"ConfigMap\"\n", true},
		"comment ends a scalar":   {"a: one\n  # c\n  two\n", false},
		"deeper without a reason": {"a: 1\n  b: 2\n", false},
		"less deep":               {"a:\n    b: 1\n  c: 1\n", false},
		"list behind a value":     {"a: 1\n- b\n", false},
		"list in the text":        {"a: - b\n", false},
		"two colons":              {"a: b: c\n", false},
		"colon at the end":        {"a: b:\n", false},
		"colon in a folded one":   {"a: b\n  c: d\n", false},
		"anchors":                 {"a: &x 1\nb: &y\n  c: &z\n  - d\ne: &w # f\ng: &_-1 \"h\"\ni:\n- &j k\n- &l\n- &m\n  n: o\np: &q |\n  r\ns: &t {}\nu: &v\n- w\n", true},
		"aliases":                 {"a: &x 1\nb: *x\nc:\n- *x # d\n- e: *x\n  <<: *x\nf: &x\n  g: *x\n", true},
		"alias without an anchor": {"a: *x\n", false},
		"alias before its anchor": {"a: *x\nb: &x 1\n", false},
		"alias and more":          {"a: &x 1\nb: *x c\n", false},
		"alias and a text":        {"a: &x 1\nb: *x\n  c\n", false},
		"alias for a key":         {"a: &x b\nc:\n  *x : d\n  *x :\n    e: 1\n  f:\n  - *x : g\n    h: 1\n  -  *x  :\n", true},
		"alias for a key, at top": {"a: &x kind\n*x : b\n", false},
		"alias for a key, unseen": {"a:\n  *x : b\n", false},
		"alias for a key, close":  {"a: &x b\nc:\n  *x: d\n", false},
		"alias for a key and b":   {"a: &x b\nc:\n  *x b : d\n", false},
		"anchored key":            {"&x a: 1\n", false},
		"anchored key in a list":  {"a:\n- &x b: 1\n", false},
		"two anchors":             {"a: &x &y 1\n", false},
		"anchored alias":          {"a: &x 1\nb: &y *x\n", false},
		"anchor in a flow":        {"a: [&x b]\n", false},
		"anchor of other signs":   {"a: &x.y 1\n", false},
		"anchor without a name":   {"a: & 1\n", false},
		"anchored kind":           {"kind: &x A\n", false},
		"kind by an alias":        {"a: &x A\nkind: *x\n", false},
		"many anchors":            {strings.Repeat("a: &x 1\n", maxAnchors+1), false},
		"tag":                     {"a: !!str 1\n", false},
		"merge key":               {"<<: {}\n", false},
		"flow":                    {"a: {b: 1, \"c\": [ 'd',e , {} ] } # f\nb: [ ]\n", true},
		"flow, comma at the end":  {"a: [b,]\n", false},
		"flow, no value":          {"a: {b}\n", false},
		"flow, open":              {"a: [b\n  ]\n", false},
		"flow, no alias":          {"a: [*b]\n", false},
		"flow, alias":             {"a: &x 1\nb: [*x, {c: *x}, d: *x, *x ]\n", true},
		"flow, alias for a key":   {"a: &x 1\nb: {*x : c}\n", false},
		"flow, pairs":             {"a: [b: [c: d, {}], 'e': f]\n", true},
		"flow, close pairs":       {"a: [b:c]\n", false},
		"flow, flags":             {"a: [-c, --d=e, -f]\n", true},
		"flow, minus":             {"a: [-, b]\n", false},
		"flow, long key":          {"a: [\"" + strings.Repeat("b", 1025) + "\": c]\n", false},
		"flow, long key of one":   {"a: {\"" + strings.Repeat("b", 1025) + "\": c}\n", false},
		"flow on the next line":   {"a:\n  [b, c] # d\ne:\n- f:\n    {g: 1}\n  h: 1\n", true},
		"flow, less deep":         {"a:\n[b]\n", false},
		"flow behind another":     {"a:\n  [b]\n  [c]\n", false},
		"flow, deep":              {"a: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n", false},
		"flow at the top":         {"{a: 1}\n", false},
		"complex key":             {"? a\n: b\n", false},
		"tab":                     {"a:\tb\n", false},
		"CRLF":                    {"a: 1\r\n", false},
		"CR":                      {"a: 1\rb: 2\n", false},
		"NEL":                     {"a: 1\u0085b: 2\n", false},
		"line separator":          {"a: 1\u2028b: 2\n", false},
		"byte order mark":         {"a: \ufeff1\n", false},
		"not UTF-8":               {"a: \xff\n", false},
		"surrogate":               {"a: \xed\xa0\x80\n", false},
		"control character":       {"a: \x01\n", false},
		"DEL":                     {"a: 12345678\x7f\n", false},
		"open quote":              {"a: \"b\nc: 1\n", false},
		"open quote, indented":    {"a: \"b\n  c: 1\n", false},
		"quote in its column":     {"a:\n  b: 'c\n  d: e'\n  f: \"g\n  - h\"\n", true},
		"quote, less deep":        {"a:\n  b: 'c\n d'\n", false},
		"quote at column 0":       {"a: \"b\n- c\"\n", false},
		"behind the quote":        {"a: \"b\" c\n", false},
		"escape":                  {"a: \"\\x41\"\n", false},
		"escaped line break":      {"a: \"b\\\n  \\ c\"\n", true},
		"commented header":        {"a: | # b\n  c\nd: >- # e\n  f\n", true},
		"close comment":           {"a: |#b\n  c\n", false},
		"indentation indicator":   {"a: |2\n\n    b\n  c\nd:\n- >1-\n   e\n f: 1\n", true},
		"indicator, less deep":    {"a: |3\n  b\n", false},
		"indicator behind":        {"a: |-2\n  b\n", false},
		"two indicators":          {"a: |22\n  b\n", false},
		"keep":                    {"a: |+\n  b\n\n", false},
		"wide blank line":         {"a: |\n    \n  b\n", false},
		"less in a block scalar":  {"a: |\n    b\n  c\n", false},
		"two kinds":               {"kind: A\nkind: B\n", false},
		"folded kind":             {"kind: A\n  B\n", false},
		"kind of mapping":         {"kind:\n  a: 1\n", false},
		"kind in an escape":       {"\"\\u006bind\": A\n", false},
		"a list":                  {"- a\n", false},
		"a text":                  {"a\n", false},
		"nothing":                 {"# a\n\n", false},
		"two documents":           {"a: 1\n---\nb: 1\n", false},
		"end":                     {"a: 1\n...\n", false},
		"long key":                {strings.Repeat("a", 1025) + ": 1\n", false},
		"deep":                    {deep(maxLevels - 1), true},
		"too deep":                {deep(maxLevels + 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkScan(t, []byte(tc.text)); got != tc.want {
				t.Errorf("understood: %t, want %t", got, tc.want)
			}
		})
	}
}

func deep(levels int) string {
	var text strings.Builder
	for i := range levels {
		text.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return text.String()
}

func TestUnusual(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			text := bytes.Repeat([]byte(" ~"), 10)
			text[at] = byte(c)
			want := len(text)
			if c < 0x20 || c >= 0x7f {
				want = at
			}
			if got := unusual(text); got != want {
				t.Fatalf("%#x at %d: got %d", c, at, got)
			}
		}
	}
}

// TestNotable holds every byte beside every other one against what is notable.
func TestNotable(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			text := [word]byte{'a', byte(a), byte(b), byte(a), byte(a), byte(b), byte(b), 'a'}
			hits := notableIn(load(text[:], 0))
			for i, c := range text {
				want := c < 0x20 || c >= 0x7f || c == ':' || c == '#'
				if got := hits>>(i*word)&0xff != 0; got != want {
					t.Fatalf("%q at %d: got %v", text, i, got)
				}
			}
		}
	}
	if got := load([]byte("abc"), 1); got != 0x0a0a0a0a0a0a6362 {
		t.Errorf("got %#x behind the end", got)
	}
}

// TestScanCorpus runs the scanner over every real document, and says how many it
// understands.
func TestScanCorpus(t *testing.T) {
	understood, all := 0, 0
	for _, file := range corpus.Files(t, "*/*", "large.yaml.gz") {
		data := corpus.Read(t, file)
		checkSplit(t, data)
		for c := range split(data, nil) {
			if all++; checkScan(t, c.body) {
				understood++
			}
		}
	}
	t.Logf("%d of %d documents understood", understood, all)
	if understood < all*4/5 { // most others have anchors
		t.Error("fewer than four of five documents are understood")
	}
}

// FuzzScan looks for a text that the scanner takes for something else than the
// YAML reader does.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"apiVersion: v1\nkind: A # c\na:\n- b: |-\n    x\n  c: 'it''s'\n", "a: one\n  two\n\n  three # c\nb: \"x\n  y\\n\"\n",
		"a:\n- - b\n  - {}\n-\n  c: []\n", "a: >\n\n  b\n   # c\nd:\n  e:\n  - f\n  g: -1\n", "kind: 'A'\n\"b c\": :d\n# e\n",
		"a: &x b\nc: *x\nd: &y\n- *x # e\n- &z\n  <<: *y\nf: &_ |\n  g\n",
		"a: &x b\nc:\n  *x : [-d, *x, e: {f: --g=h}]\n  i:\n    [j]\nk: > # l\n  m\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if checkEncoding(text) != nil {
			return
		}
		for c := range split(text, nil) {
			if !bytes.HasSuffix(c.lead, []byte("-")) {
				checkScan(t, c.body)
			}
		}
	})
}
