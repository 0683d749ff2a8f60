package krm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"
)

// scalars are those that readers of YAML disagree about, and some that they do not.
var scalars = []string{
	"true", "True", "TRUE", "yes", "Yes", "YES", "yES", "y", "Y", "on", "On", "n", "no", "off", "OFF", "false", "tRuE",
	`"true"`, "'yes'", "|-\n    true", ">-\n    yes", "!!str true", "!!bool yes", `!!bool "yes"`, `!!bool "true"`, "!!str yes",
	"!!binary dHJ1ZQ==", `!!binary "aG9zdA=="`, "~", "null", "Null", "", `""`, "!!null ''", "!!str",
	"1", "0", "-1", "+1", "01", "08", "0o17", "0x1F", "0b101", "-0b11", "1_000", "_1", "1e3", "1.5", "1.", ".5", "+.5", "1E+2", "12345678901234567890", "99999999999999999999999",
	".inf", "-.Inf", ".nan", "1:30", "190:20:30", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43", "!!timestamp 2001-01-01",
	"!!int 5", `!!int "5"`, "!!float 5", `!!float "1.5"`, "<<", `"<<"`, "=", "a", "a b", "a b: c", "runtime/default", "fsGroup", "No way", "1 2", "- x", "1.2.3", "0.", "-", "+", ".", "0x", "0b", "1e", "-.5", "0o8", "0o", "-0o7", "1__0",
	"--log-level=info", "--1", "--0x1", "--", "-- ", "--.inf", "--true", "-1", "-a", "nullable", "Normal", "falsely", "FALSE", "onward", "NULL", "off",
}

// TestAPIValue: what kyaml has parsed is read as sigs.k8s.io/yaml reads the text.
func TestAPIValue(t *testing.T) {
	for _, scalar := range scalars {
		compareAPI(t, "a: "+scalar+"\n")
		compareAPI(t, "- "+scalar+"\n")
		if !strings.Contains(scalar, "\n") && scalar != "<<" {
			compareAPI(t, "? "+scalar+"\n: 1\n")
		}
	}
	for _, text := range []string{
		"<<: {a: 1}\na: 2\n", "a: 2\n<<: {a: 1}\n", "<<: [{a: 1}, {a: 2, b: 3}]\n", "x: &x {a: 1}\ny: {<<: *x, b: 2}\n", "x: &x {a: 1}\ny: {b: 2, <<: [*x, {b: 3}]}\n",
		`"<<": {a: 1}` + "\n", "<<: 5\n", "<<: [5]\n", "x: &x 5\ny: *x\n", "x: &x [1, yes]\ny: [*x]\n", "!!str <<: {a: 1}\n", "!!merge <<: {a: 1}\n",
		"{}\n", "[]\n", "a: {}\n", "a: [[]]\n", "? {a: 1}\n: 2\n", "? [a]\n: 2\n", "1: a\n1.5: b\ntrue: c\n.inf: d\n",
	} {
		compareAPI(t, text)
	}
}

// TestMadeValues: a node that was made is what its text is, and a text node is always
// the string.
func TestMadeValues(t *testing.T) {
	for _, text := range scalars {
		for _, n := range []*yaml.Node{TextNode(text), {Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: text}, {Kind: yaml.ScalarNode, Value: text}} {
			value, err := APIValue(n)
			if err != nil {
				continue
			}
			if n.Style != 0 && value != text {
				t.Errorf("the text node %q is %v", text, value)
			}
			written := yaml.NewRNode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{TextNode("a"), n}}).MustString()
			got, err := json.Marshal(map[string]any{"a": value})
			if err != nil { // infinity
				continue
			}
			want, err := kubeyaml.YAMLToJSON([]byte(written))
			if err != nil || string(got) != string(want) {
				t.Errorf("%q is %s, written and read %s, %v", text, got, want, err)
			}
		}
	}
	for _, text := range scalars {
		if value, err := APIValue(TextNode(text)); err != nil || value != text {
			t.Errorf("the text node %q is %v, %v", text, value, err)
		}
	}
}

// TestEqualKeys: of equal keys the last counts, and keys that only become equal are
// refused, because the API server takes either.
func TestEqualKeys(t *testing.T) {
	for range 10 {
		compareAPI(t, "a: 1\n? a\n: 2\n")
	}
	for _, text := range []string{"yes: 1\n\"true\": 2\n", "a: {1: a, 0x1: b}\n", "!!binary aG9zdA==: 1\nhost: 2\n"} {
		if value, err := APIValue(yaml.MustParse(text).YNode()); err == nil {
			t.Errorf("%q is %v", text, value)
		}
	}
}

// TestRandomAPIValues does the same with trees.
func TestRandomAPIValues(t *testing.T) {
	for i := range uint64(2_000) {
		var text strings.Builder
		randomYAML(&text, rand.New(rand.NewPCG(1, i)), "", 3) //nolint:gosec // repeatable on purpose
		compareAPI(t, text.String())
	}
}

func randomYAML(out *strings.Builder, r *rand.Rand, indent string, depth int) {
	list, odd := r.IntN(3) == 0, r.IntN(4)
	for i := range 1 + r.IntN(4) {
		out.WriteString(indent)
		key := scalars[r.IntN(len(scalars))]
		switch {
		case list:
			out.WriteString("-")
		case i != odd || strings.ContainsAny(key, "\n") || key == "<<":
			fmt.Fprintf(out, "k%d:", i)
		default:
			fmt.Fprintf(out, "? %s\n%s:", key, indent)
		}
		if depth > 0 && r.IntN(3) == 0 {
			out.WriteString("\n")
			randomYAML(out, r, indent+"  ", depth-1)
			continue
		}
		fmt.Fprintf(out, " %s\n", strings.ReplaceAll(scalars[r.IntN(len(scalars))], "\n", "\n"+indent))
	}
}

func compareAPI(t *testing.T, text string) {
	t.Helper()
	want, wantErr := kubeyaml.YAMLToJSON([]byte(text))
	node, err := yaml.Parse(text)
	if err != nil { // the stream refuses it, too
		return
	}
	value, err := APIValue(node.YNode())
	var got []byte
	if err == nil {
		got, err = json.Marshal(value)
	}
	if (err != nil) != (wantErr != nil) {
		t.Errorf("%q: error %v, the API server's %v", text, err, wantErr)
		return
	}
	if string(got) != string(want) {
		t.Errorf("%q is %s, for the API server %s", text, got, want)
	}
}

// TestPreparedMergeKeys: what is expanded here is what the API server reads, or it is
// refused.
func TestPreparedMergeKeys(t *testing.T) {
	refused := 0
	for i := range uint64(3_000) {
		r := rand.New(rand.NewPCG(2, i)) //nolint:gosec // repeatable on purpose
		field := func() string { return fmt.Sprintf("%c: %d", "abcefghi"[r.IntN(8)], r.IntN(10)) }
		merge := func() string {
			return []string{"<<: *x", "<<: {" + field() + "}", "<<: [*x, {" + field() + "}]", "<<: [{" + field() + "}, *y]", "<<: *y"}[r.IntN(5)]
		}
		lines := []string{field(), field(), merge(), "e: {" + field() + ", " + merge() + "}"}
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		text := "p: &x {" + field() + "}\nq: &y {<<: *x, " + field() + "}\nz:\n  " + strings.Join(lines, "\n  ") + "\n"
		node, err := yaml.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		prepared, err := Expand(node.YNode())
		if err == nil {
			err = checkKeys(Field{Node: prepared})
		}
		if err != nil {
			refused++
			continue
		}
		value, err := APIValue(prepared)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		want, err := kubeyaml.YAMLToJSON([]byte(text))
		if err != nil || string(got) != string(want) {
			t.Fatalf("%s\nis %s, for the API server %s, %v", text, got, want, err)
		}
	}
	if refused > 2_000 {
		t.Errorf("%d of 3000 were refused", refused)
	}
}

// TestKeysOfTheAPIServer: a key that is another one for the API server is refused.
func TestKeysOfTheAPIServer(t *testing.T) {
	for text, want := range map[string]string{
		"{a: 1, b: {c: 2}}": "", "{1: a, \"yes\": b}": "",
		"{a: 1, a: 2}":                "a: appears twice; remove one",
		"{a: [{b: 1, \"b\": 2}]}":     "a[0].b: appears twice; remove one",
		"{a: {!!binary aG9zdA==: 1}}": `a.aG9zdA==: is the key "host" for the API server, which reads YAML 1.1; write that, or put the key into quotes`,
		"{y: 1}":                      `y: is the key "true" for the API server, which reads YAML 1.1; write that, or put the key into quotes`,
		"{0x1: 1}":                    `0x1: is the key "1" for the API server, which reads YAML 1.1; write that, or put the key into quotes`,
	} {
		err := checkKeys(Field{Node: yaml.MustParse(text).YNode()})
		if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestBooleans: a field is true or false where the API server reads it so; what it
// reads as a string is told apart.
func TestBooleans(t *testing.T) {
	for _, text := range scalars {
		node, err := yaml.Parse("a: " + text + "\n")
		if err != nil {
			continue
		}
		var want struct{ A any }
		if kubeyaml.Unmarshal([]byte("a: "+text+"\n"), &want) != nil {
			continue
		}
		truth := Field{Node: node.YNode()}.Boolean("a")
		boolean, ok := want.A.(bool)
		if ok != (truth != nil && !truth.Quoted) || ok && truth.Value != boolean {
			t.Errorf("%s is %v, for the API server %v", text, truth, want.A)
		}
	}
}

// TestWords11 holds short words, and the ones of YAML 1.1 in every mix of cases, against
// the reader of the API server.
func TestWords11(t *testing.T) {
	words := []string{""}
	for from, length := 0, 0; length < 3; length++ {
		end := len(words)
		for _, word := range words[from:end] {
			for _, c := range "ynotrufalsYNOTF~.0" {
				words = append(words, word+string(c))
			}
		}
		from = end
	}
	words = append(words, "---", "....", "----", "---a")
	for _, word := range []string{"true", "false", "null", "yes", "off"} {
		for mix := range 1 << len(word) {
			text := []byte(word)
			for i := range text {
				if mix>>i&1 == 1 {
					text[i] -= 'a' - 'A'
				}
			}
			words = append(words, string(text), string(text)+"s")
		}
	}
	for _, word := range words[1:] {
		compareAPI(t, "k: "+word+"\n")
	}
}
