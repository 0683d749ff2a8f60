package stream

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct {
		input string
		want  []string // the body of each document
	}{
		"empty":                    {"", []string{""}},
		"one":                      {"a: 1\n", []string{"a: 1\n"}},
		"no final newline":         {"a: 1\n---\nb: 2", []string{"a: 1\n", "b: 2"}},
		"leading marker":           {"---\na: 1\n", []string{"a: 1\n"}},
		"comment before marker":    {"# licence\n---\na: 1\n", []string{"a: 1\n"}},
		"comment is a document":    {"---\n# note\n---\na: 1\n", []string{"# note\n", "a: 1\n"}},
		"empty documents":          {"---\n---\na: 1\n---\n", []string{"", "a: 1\n", ""}},
		"comment on the marker":    {"--- # x\na: 1\n", []string{"a: 1\n"}},
		"document on the marker":   {"--- {a: 1}\n--- |\n text\n", []string{" {a: 1}\n", " |\n text\n"}},
		"white space after marker": {"a: 1\n---  \t\nb: 2\n", []string{"a: 1\n", "b: 2\n"}},
		"dashes in a word":         {"a: 1\n---b: 2\n----\n", []string{"a: 1\n---b: 2\n----\n"}},
		"indented in a scalar":     {"a: |\n  x\n  ---\n  y\n", []string{"a: |\n  x\n  ---\n  y\n"}},
		"end marker":               {"a: 1\n...\n# between\n---\nb: 2\n...\n", []string{"a: 1\n", "b: 2\n", ""}},
		"bare document after end":  {"a: 1\n...\nb: 2\n", []string{"a: 1\n", "b: 2\n"}},
		"directive":                {"%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n", []string{"a: 1\n", "b: 2\n"}},
		"percent in a document":    {"a: |\n  x\n%: 1\n", []string{"a: |\n  x\n%: 1\n"}},
		"byte order mark":          {"\ufeff---\na: 1\n", []string{"a: 1\n"}},
		"CRLF":                     {"a: 1\r\n---\r\nb: 2\r\n", []string{"a: 1\r\n", "b: 2\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkSplit(t, []byte(tc.input))
			var bodies []string
			var joined bytes.Buffer
			for c := range split([]byte(tc.input), nil) {
				bodies = append(bodies, string(c.body))
				joined.Write(c.lead)
				joined.Write(c.body)
				if at := strings.Count(tc.input[:joined.Len()-len(c.body)], "\n") + 1; c.line != at {
					t.Errorf("body %q starts in line %d, not %d", c.body, at, c.line)
				}
			}
			if strings.Join(bodies, "|") != strings.Join(tc.want, "|") {
				t.Errorf("got %q, want %q", bodies, tc.want)
			}
			if joined.String() != tc.input {
				t.Errorf("joined: %q", joined.String())
			}
		})
	}
}

func TestSplitErrors(t *testing.T) {
	for name, tc := range map[string]struct{ input, want string }{
		"UTF-16":        {"\xff\xfea\x00", "f.yaml: is UTF-16; convert it with: iconv -f UTF-16 -t UTF-8"},
		"NUL":           {"a: \x00", "f.yaml: holds a NUL byte, so it is binary (a packed file?) or in another encoding than UTF-8"},
		"line of a tab": {"a: 1\n---\n\nb:\n\t- 1\n", "f.yaml: document 2: is not valid YAML: line 5: found character that cannot start any token; YAML is indented with spaces, not with tabs"},
		"CR alone":      {"a: 1\r---\rb: 2\r", "f.yaml: has lines that end in CR alone; convert it with: tr '\\r' '\\n'"},
		"indentation":   {"a: 1\n---\nb:\n  c: 1\n d: 1\n", "f.yaml: document 2: is not valid YAML: line 4: did not find expected key; in what starts there, a line further down is not indented as it should be"},
		"two documents": {"{a: 1}\n{b: 2}\n", "f.yaml: document 1: is not valid YAML: line 1: did not find expected <document start>; something stands behind the end of the document: put --- between documents"},
		"JSON, comma":   {"{\"a\": 1},\n{\"b\": 2}\n", "f.yaml: document 1: is not valid YAML: did not find expected <document start>; something"},
		"deep JSON":     {"{\"a\":" + strings.Repeat("[", 20000), "f.yaml: document 1: is not valid YAML: "},
		"template":      {"a:\n{{- if .b }}\n  c: 1\n{{- end }}\n", "f.yaml: document 1: is not valid YAML: "},
		"broken JSON":   {`{"a": 1`, "f.yaml: document 1: is not valid YAML: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Split("f.yaml", []byte(tc.input), nil); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestJoinSeparatesFiles(t *testing.T) {
	var documents []*Document
	for _, text := range []string{"a: 1", "\ufeffb: 2\n", "---\nc: 3\n", "--- {d: 4}\n", "# e ---\ne: 5\n", "%YAML 1.2\n---\nf: 6\n", "{\"g\": 7}", "{\"h\": 8}"} {
		split, err := Split("f", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, split...)
	}
	const want = "a: 1\n---\nb: 2\n---\nc: 3\n--- {d: 4}\n---\n# e ---\ne: 5\n...\n%YAML 1.2\n---\nf: 6\n---\n{\"g\": 7}\n{\"h\": 8}"
	for range 2 { // joining changes nothing
		got, err := Join(documents)
		if err != nil || string(got.Bytes()) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestReplaceKeepsTheText changes "image" and adds to "list" in texts of many
// styles. Only the lines of the change may differ.
func TestReplaceKeepsTheText(t *testing.T) {
	for name, tc := range map[string]struct{ input, want string }{
		"comments and blank lines": {
			"# top\n\nimage: a   # why\n\nlist:   # of things\n\n- x\n# end\n\nlast: 1\n# foot\n",
			"# top\n\nimage: b # why\n\nlist:   # of things\n\n- x\n# end\n\n- new\nlast: 1\n# foot\n",
		},
		"wide list":                  {"image: a\nlist:\n  - 'x'\n", "image: b\nlist:\n  - 'x'\n  - new\n"},
		"folded scalar":              {"image: a\ntext: >-\n  one\n  two\n\n  three\nlist: [x]\n", "image: b\ntext: >-\n  one\n  two\n\n  three\nlist: [x, new]\n"},
		"long plain line":            {"image: a\ntext: one two three four five six seven eight nine ten eleven twelve thirteen\n  fourteen\nlist: []\n", "image: b\ntext: one two three four five six seven eight nine ten eleven twelve thirteen\n  fourteen\nlist: [new]\n"},
		"four spaces":                {"image: a\nother:\n    deep:\n        er: 1   # x\nlist:\n    - x\n", "image: b\nother:\n    deep:\n        er: 1   # x\nlist:\n    - x\n    - new\n"},
		"CRLF":                       {"image: a\r\ntext: |\r\n  x\r\nlist:\r\n- x\r\n", "image: b\r\ntext: |\r\n  x\r\nlist:\r\n- x\r\n- new\r\n"},
		"no newline":                 {"image: a\nlist:\n- x", "image: b\nlist:\n- x\n- new"},
		"no newline behind a text":   {"image: a\nlist: [x]\ntext: |  # why\n  x\n  y", "image: b\nlist: [x, new]\ntext: |  # why\n  x\n  y"},
		"no newline before the list": {"image: a\nlist:\n- |\n  x", "image: b\nlist:\n- |-\n  x\n- new"},
		"keys side by side":          {"image: a\none: &o x\nlist:\n- x\ntwo:   *o\n", "image: b\none: &o x\nlist:\n- x\n- new\ntwo:   *o\n"},
		"aligned values":             {"kind:      X\nimage:     a\nlist:\n- x\n", "kind:      X\nimage: b\nlist:\n- x\n- new\n"},
		"quotes and tags":            {"image: a\nq: 'it''s'\nd: \"\\u00e9\"\nt: !!str 5\nlist:\n- x\n", "image: b\nq: 'it''s'\nd: \"\\u00e9\"\nt: !!str 5\nlist:\n- x\n- new\n"},
		"anchors":                    {"image: a\none: &o {k: v}\ntwo: *o\nlist:\n- x\n", "image: b\none: &o {k: v}\ntwo: *o\nlist:\n- x\n- new\n"},
		"JSON":                       {"{\n\t\"image\" : \"a\",\n\t\"n\": 1.50,\n\t\"list\": [\n\t\t\"<x>\"\n\t]\n}", "{\n\t\"image\": \"b\",\n\t\"n\": 1.50,\n\t\"list\": [\n\t\t\"<x>\",\n\t\t\"new\"\n\t]\n}"},
		"on the marker":              {"--- &x\nimage: a\nlist:\n- x\n", "--- &x\nimage: b\nlist:\n- x\n- new\n"},
		"flow on marker":             {"--- {image: a, list: [x]}\n", "---\n{image: b, list: [x, new]}\n"},
		"JSON in a line":             {`{"image":"a","list":["x"],"z":null}`, `{"image":"b","list":["x","new"],"z":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := Split("f", []byte(tc.input), nil)
			if err != nil {
				t.Fatal(err)
			}
			expanded, err := krm.Expand(documents[0].Resource().Document())
			if err != nil {
				t.Fatal(err)
			}
			changed := yaml.NewRNode(expanded).Copy()
			changed.Field("image").Value.YNode().Value = "b"
			list := changed.Field("list").Value.YNode()
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: "new"})
			documents[0].Replace(changed)
			got, err := Join(documents)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Bytes()) != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestReadResourceList(t *testing.T) {
	for name, tc := range map[string]struct{ input, want string }{
		"empty":          {"", "is empty and so is not a ResourceList"},
		"plain YAML":     {"kind: Deployment\n", "is not a ResourceList"},
		"a list":         {"- kind: ResourceList\n", "is not a ResourceList"},
		"not YAML":       {"a: [", "is not valid YAML"},
		"two documents":  {"kind: ResourceList\n---\na: 1\n", "holds something behind the ResourceList"},
		"items a map":    {"kind: ResourceList\nitems: {}\n", "is a ResourceList whose items are not a list"},
		"items a string": {"kind: ResourceList\nitems: x\n", "is a ResourceList whose items are not a list"},
		"UTF-16":         {"\xfe\xff\x00a", "is UTF-16"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadResourceList([]byte(tc.input), nil)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestFlowNull: kyaml's writer makes a text of a null that is not written out.
func TestFlowNull(t *testing.T) {
	list, err := ReadResourceList([]byte("kind: ResourceList\nitems: [{a: {b}, c: [d, {e: }]}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "kind: ResourceList\nitems: [{a: {b: null}, c: [d, {e: null}]}]\n"
	if got, err := list.Pieces(); err != nil || string(got.Bytes()) != want {
		t.Errorf("%v\n%s", err, got.Bytes())
	}
}

// TestJSONNeeds parses what is needed, and everything whose kind is not plain.
func TestJSONNeeds(t *testing.T) {
	const other = `{"apiVersion": "v1", "kind": "Other"}`
	needs := func(apiVersion, kind, text []byte) bool {
		return string(apiVersion) == "v1" && string(kind) == "Needed" || text == nil || bytes.Contains(text, []byte("name"))
	}
	for text, want := range map[string]bool{
		other: false,
		`{"kind": "Needed", "a": {"kind": "Other"}, "apiVersion": "v1"}`: true,
		`{"kind": "Needed", "apiVersion": "v2"}`:                         false,
		`{"k\u0069nd": "N\u0065eded", "apiVersion": "v1"}`:               true,
		`{"kind": "Other", "a": ["name"]}`:                               true,
		`{"kind": "Other", "a": "n\u0061me"}`:                            true,
		`{"kind": "Other", "a": "x\/y"}`:                                 true,
		`{"kind": "Other", "a": "x\ny"}`:                                 false,
		`{"kind": "Other", "kind": "Needed", "apiVersion": "v1"}`:        true,
		`{"kind": "Other", "kind": "Other"}`:                             true,
		`{"kind": null}`:                                                 true,
		`{"kind": {"kind": "Other"}}`:                                    true,
		`{"a": {"kind": "Needed", "apiVersion": "v1"}}`:                  false,
		`{}`: false,
	} {
		for _, data := range []string{text, other + text, other + "\n \n" + text + "\n\n" + other, "---\n" + text + "\n---\n"} {
			documents, err := Split("f", []byte(data), needs)
			if err != nil {
				t.Fatal(err)
			}
			parsed := slices.ContainsFunc(documents, func(d *Document) bool { return d.Resource() != nil })
			if parsed != want {
				t.Errorf("%q: parsed %t, want %t", data, parsed, want)
			}
			if joined, err := Join(documents); err != nil || string(joined.Bytes()) != data {
				t.Errorf("got %q, %v, want %q", joined.Bytes(), err, data)
			}
		}
	}
}

// checkSplit: with a scanner, the documents are those that stand between markers.
func checkSplit(t *testing.T, data []byte) {
	t.Helper()
	want := slices.Collect(split(data, nil))
	var s scanner
	at := 0
	for c := range split(data, &s) {
		if at == len(want) || c.line != want[at].line || !bytes.Equal(c.lead, want[at].lead) || !bytes.Equal(c.body, want[at].body) {
			t.Fatalf("%q: chunk %d is %+v", data, at, c)
		}
		at++
	}
	if at != len(want) {
		t.Fatalf("%q: got %d chunks, want %d", data, at, len(want))
	}
}

// FuzzSplit: what is not changed comes back byte for byte, parsed or not, and to
// skip documents hides no error.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a: 1\n---\n# x\n...\n%YAML 1.2\n--- b\n", "\ufeff{\"a\":1}{}\n", "a: |\r\n  ---\r\n---\r\n", "a: 1\n---\n---\n- b\n---\nkind: A\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkSplit(t, data)
		for name, needs := range map[string]Needs{
			"all": nil, "none": func(_, _, _ []byte) bool { return false }, "some": func(_, _, text []byte) bool { return len(text)%2 == 0 },
		} {
			documents, err := Split("f", data, needs)
			if _, want := Split("f", data, nil); (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
			if err != nil {
				return
			}
			joined, err := Join(documents)
			if err != nil || !bytes.Equal(joined.Bytes(), data) {
				t.Errorf("%s: got %q, %v, want %q", name, joined.Bytes(), err, data)
			}
		}
	})
}

// TestCRLFIsNoComment: whoever looks for a comment finds it, whatever ends the lines.
func TestCRLFIsNoComment(t *testing.T) {
	documents, err := Split("f", []byte("list:\r\n# mine\r\n- name: x\r\n# yours\r\n- name: y\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	entries := documents[0].Resource().Field("list").Value.YNode().Content
	for i, want := range []string{"# mine", "# yours"} {
		if got := entries[i].HeadComment; got != want {
			t.Errorf("the comment above entry %d is %q, want %q", i, got, want)
		}
	}
}
