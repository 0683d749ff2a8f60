package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// needsA needs resources of the kind A and what may be a list.
func needsA(_, kind, _ []byte) bool {
	return string(kind) == "A" || bytes.HasSuffix(kind, []byte("List"))
}

// edit puts a label on the resources of the kind A, and takes away those named "gone".
func edit(documents []*Document) {
	for _, d := range documents {
		resource := d.Resource()
		if resource == nil || resource.GetKind() != "A" {
			continue
		}
		if resource.GetName() == "gone" {
			d.Replace(nil)
			continue
		}
		expanded, err := krm.Expand(resource.Document())
		if err != nil {
			continue // said by whoever runs over it
		}
		changed := yaml.NewRNode(expanded).Copy()
		if changed.PipeE(yaml.LookupCreate(yaml.MappingNode, "metadata"), yaml.SetField("new", yaml.NewStringRNode("x"))) == nil {
			d.Replace(changed) // where metadata is none, it stays
		}
	}
}

func TestListItemByItem(t *testing.T) {
	for name, tc := range map[string]struct{ input, want string }{
		"only the lines of the change": {
			"apiVersion: v1\nitems:\n- kind: B\n  text: \"a\n    b\"\n\n# of A\n- kind:   A # mine\n  metadata:\n    name: a\n  text: >\n    one\n    two\n  more: \"c\n   d\"\n- kind: B\n  x: {a: [b]}\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
			"apiVersion: v1\nitems:\n- kind: B\n  text: \"a\n    b\"\n\n# of A\n- kind:   A # mine\n  metadata:\n    name: a\n    new: x\n  text: >\n    one\n    two\n  more: \"c\n   d\"\n- kind: B\n  x: {a: [b]}\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
		},
		"indented items":          {"kind: BList\nitems:\n    -   kind: A\n        metadata: {name: a}\n    -   kind: B\n", "kind: BList\nitems:\n    -   kind: A\n        metadata: {name: a, new: x}\n    -   kind: B\n"},
		"between documents":       {"a: 1\n---\nitems:\n- kind: A\n  metadata: {name: a}\nkind: List\n---\nb: 1\n", "a: 1\n---\nitems:\n- kind: A\n  metadata: {name: a, new: x}\nkind: List\n---\nb: 1\n"},
		"two lists":               {"items:\n- kind: A\n  metadata: {name: a}\nkind: List\n---\nitems:\n- kind: A\n  metadata: {name: b}\nkind: List\n", "items:\n- kind: A\n  metadata: {name: a, new: x}\nkind: List\n---\nitems:\n- kind: A\n  metadata: {name: b, new: x}\nkind: List\n"},
		"removed":                 {"items:\n- kind: B\n- kind: A\n  metadata: {name: gone}\n- kind: B\nkind: List\n", "items:\n- kind: B\n- kind: B\nkind: List\n"},
		"the last one removed":    {"items:\n- kind: A\n  metadata: {name: gone}\nkind: List\n", "items: []\nkind: List\n"},
		"an anchor in an item":    {"items:\n- kind: A\n  metadata:\n    name: &n a\n  label: *n\nkind: List\n", "items:\n- kind: A\n  metadata:\n    name: &n a\n    new: x\n  label: *n\nkind: List\n"},
		"an anchor across items":  {"items:\n- kind: B\n  metadata: &n {name: a}\n- kind: A\n  metadata: *n\nkind: List\n", "items:\n- kind: B\n  metadata: &n {name: a}\n- kind: A\n  metadata: *n\nkind: List\n"},
		"an item that is a list":  {"items:\n- - kind: A\n  -\n  -\n- kind: A\n  metadata: {name: a}\nkind: List\n", "items:\n- - kind: A\n  -\n  -\n- kind: A\n  metadata: {name: a, new: x}\nkind: List\n"},
		"of another kind":         {"items:\n- kind: A\n  metadata: {name: a}\nkind: B\n", "items:\n- kind: A\n  metadata: {name: a}\nkind: B\n"},
		"JSON":                    {"{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        {\n            \"kind\": \"B\"\n        },\n        {\n            \"kind\": \"A\",\n            \"metadata\": {\n                \"name\": \"a\"\n            }\n        }\n    ],\n    \"kind\": \"List\"\n}\n", "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        {\n            \"kind\": \"B\"\n        },\n        {\n            \"kind\": \"A\",\n            \"metadata\": {\n                \"name\": \"a\",\n                \"new\": \"x\"\n            }\n        }\n    ],\n    \"kind\": \"List\"\n}\n"},
		"JSON in a line":          {`{"items":[{"kind":"B"}, {"kind":"A","metadata":{}},1,{"kind":"A"}],"kind":"List"} {"kind":"A"}`, `{"items":[{"kind":"B"}, {"kind":"A","metadata":{"new":"x"}},1,{"kind":"A","metadata":{"new":"x"}}],"kind":"List"} {"kind":"A","metadata":{"new":"x"}}`},
		"JSON, the first removed": {`{"items": [ {"kind":"A","metadata":{"name":"gone"}} , {"kind":"B"} ], "kind":"List"}`, `{"items": [ {"kind":"B"} ], "kind":"List"}`},
		"JSON, the last removed":  {`{"items": [ {"kind":"B"} , {"kind":"A","metadata":{"name":"gone"}}, {"kind":"A","metadata":{"name":"gone"}} ], "kind":"List"}`, `{"items": [ {"kind":"B"}  ], "kind":"List"}`},
		"JSON, all removed":       {`{"items": [ {"kind":"A","metadata":{"name":"gone"}} ], "kind":"List"}`, `{"items": [ ], "kind":"List"}`},
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := Split("f", []byte(tc.input), needsA)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := Join(documents); err != nil || string(same.Bytes()) != tc.input {
				t.Errorf("nothing changed, but: %v\n%s", err, same.Bytes())
			}
			edit(documents)
			if got, err := Join(documents); err != nil || string(got.Bytes()) != tc.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got.Bytes(), tc.want)
			}
		})
	}
}

// TestListHoldsWhatIsNeeded: the items that nobody needs are counted, not held.
func TestListHoldsWhatIsNeeded(t *testing.T) {
	yamlItems, jsonItems := strings.Repeat("- kind: B\n", 1000), strings.Repeat(`{"kind":"B"},`, 1000)
	for _, text := range []string{"items:\n" + yamlItems + "- kind: A\nkind: List\n", `{"kind":"List","items":[` + jsonItems + `{"kind":"A"}]}`} {
		documents, err := Split("f", []byte(text), needsA)
		if err != nil || len(documents) != 2 {
			t.Fatalf("%d documents, %v", len(documents), err)
		}
		if documents[0].Skipped != 1000 || documents[0].Resource() != nil || documents[1].Resource().GetKind() != "A" {
			t.Errorf("%d skipped: %.30s", documents[0].Skipped, text)
		}
	}
}

// listOf writes a list with a text as its items, in one of several ways.
func listOf(items []byte, way uint8) []byte {
	indented := bytes.ReplaceAll(items, []byte("\n"), []byte("\n  "))
	switch way % 5 {
	case 0:
		return joined("kind: List\nitems:\n", string(items))
	case 1:
		return joined("items:\n- kind: B\n- ", string(indented), "\nkind: List\n")
	case 2:
		return joined("apiVersion: v1\nitems:\n", string(items), "\n- kind: A\n  metadata:\n    name: z\nkind: AList\nmetadata: {}\n")
	case 3:
		return joined(`{"kind":"List","items":[`, string(items), `]}`)
	default:
		return joined("{\n  \"items\": [\n    {\"kind\": \"A\"},\n    ", string(items), "\n  ],\n  \"kind\": \"List\"\n}\n")
	}
}

func joined(texts ...string) []byte { return []byte(strings.Join(texts, "")) }

// FuzzList holds a list that is read item by item against the same list as a whole:
// the same resources, also when some are changed, and the bytes where none is.
func FuzzList(f *testing.F) {
	for i, seed := range []string{
		"- kind: A\n  metadata: {name: a}\n- kind: B\n", "kind: A\nmetadata:\n  name: gone", "- kind: A\n  x: &a 1\n- kind: A\n  x: *a\n", "{\"kind\":\"A\",\"metadata\":{\"name\":\"gone\"}}", "{\n      \"kind\": \"A\"\n    }",
		"- kind: A\n  t: |\n    x\n\n- kind: \"A\"\n  t: 'a\n\n    b'\n# c\n", "- kind: A\n  kind: B\n- <<: {kind: A}\n", "- !!map {kind: A}\n-\n  kind: A\n", "- kind: AList\n  items: [{kind: A}]\n", "- 0:\n-\n-", "- kind: A\n-\n-",
	} {
		f.Add([]byte(seed), uint8(i))
		f.Add([]byte(seed), uint8(i%3))
	}
	f.Add([]byte("- kind: A\n? 0:"), uint8(0))
	f.Add([]byte("- kind: A\n  <<:\n"), uint8(0))
	f.Add([]byte("- kind: A\n  0: |\n   0\n    "), uint8(2))
	f.Add([]byte("- kind: A\n  &0: 0\n  <<: {0}\n"), uint8(0))
	f.Fuzz(func(t *testing.T, items []byte, way uint8) {
		text := listOf(items, way)
		documents, err := Split("f", text, needsA)
		whole, wholeErr := Split("f", text, nil)
		if fmt.Sprint(err) != fmt.Sprint(wholeErr) {
			t.Fatalf("item by item: %v, whole: %v\n%q", err, wholeErr, text)
		}
		if err != nil {
			return
		}
		if same, err := Join(documents); err != nil || !bytes.Equal(same.Bytes(), text) {
			t.Fatalf("%v\n%q became\n%q", err, text, same.Bytes())
		}
		if _, err := krm.Expand(whole[0].Resource().Document()); err != nil {
			return // as a whole it cannot be read, and its items may
		}
		if got, want := valuesOf(documents), valuesOf(whole); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d resources, want %d\n%q", len(got), len(want), text)
		}
		if documents[0].list == nil || documents[0].replaced {
			return // not item by item
		}
		edit(documents)
		want := valuesOf(documents)
		edited, err := Join(documents)
		if err != nil {
			return // said, and nothing written
		}
		again, err := Split("f", edited.Bytes(), nil)
		if err != nil {
			t.Fatalf("%v\n%q became\n%q", err, text, edited.Bytes())
		}
		got := valuesOf(again)
		for i := range min(len(got), len(want)) {
			if want[i] == nil { // once written, it may be clear
				got[i] = nil
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v\n%q became\n%q", got, want, text, edited.Bytes())
		}
	})
}

// valuesOf returns what the resources of kind A mean, those in lists included. What
// readers disagree about is nil.
func valuesOf(documents []*Document) []any {
	values := []any{}
	for _, d := range documents {
		resource := d.Resource()
		if d.replaced {
			resource = d.replacement
		}
		if resource == nil {
			continue
		}
		objects, _ := krm.NewObjects(resource.YNode(), nil)
		for _, o := range objects {
			if o.Kind() != "A" {
				continue
			}
			var value any
			if o.Before.CheckKeys(); o.Err() != nil || o.Before.Node.Decode(&value) != nil {
				value = nil
			}
			values = append(values, value)
		}
	}
	return values
}

// FuzzJSONScan holds the scanner of JSON against encoding/json: they take the same, and
// read the same apiVersion and kind at its top.
func FuzzJSONScan(f *testing.F) {
	for _, seed := range []string{`{"kind":"A","apiVersion":"v1","items":[1,-0.5e+3,true,null,{"a":{}},[],"\u00e9\n"]}`, `{"a":01}`, `{"k\u0069nd":"A"}`, `{"kind":"A","kind":"B"}`, "{\"a\":\"\x01\"}", `{"a":tru}`, `{,}`, "{\"a\"\n:\t[ ] }", `{"kind":5}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := jsonScanner{data: text}
		at := s.space(0)
		if !s.is(at, '{') {
			return
		}
		head, end := s.head(at)
		if valid := json.Valid(text); valid != (end != none && s.space(end) == len(text)) {
			t.Fatalf("valid is %t, and the object ends at %d of %d\n%q", valid, end, len(text), text)
		} else if !valid || head.odd {
			return
		}
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for key, got := range map[string][]byte{"apiVersion": head.apiVersion, "kind": head.kind} {
			raw, ok := fields[key]
			if ok != (got != nil) || ok && string(raw) != `"`+string(got)+`"` {
				t.Errorf("%s is %q, not %s\n%q", key, got, raw, text)
			}
		}
		if got := text[head.items.start:head.items.end]; !bytes.Equal(got, fields["items"]) {
			t.Errorf("the items are %q, not %q", got, fields["items"])
		}
	})
}

// TestJSONScanDepth: what is nested too deep is no reason to fail.
func TestJSONScanDepth(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth - 10: true, maxDepth + 10: false, 1_000_000: false} {
		text := []byte(strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth))
		_, end := jsonScanner{data: text}.head(0)
		if got := end == len(text); got != want || want != json.Valid(text) {
			t.Errorf("%d levels: %t", depth, got)
		}
	}
}
