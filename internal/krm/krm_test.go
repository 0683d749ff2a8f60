package krm

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func parse(t *testing.T, text string) Field {
	t.Helper()
	node, err := yaml.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Field{Node: node.YNode()}
}

func written(f Field) string { return yaml.NewRNode(f.Node).MustString() }

func TestReading(t *testing.T) {
	const resource = `
metadata: {name: x, labels: {a: b, c: null}}
spec:
  absent: null
  yes: yes
  quoted: "true"
  number: 5
  binary: !!binary eA==
  list: [{name: first, value: 1}, {value: 2}, plain]
  anchored: &a {deep: value}
  alias: *a
`
	for name, tc := range map[string]struct {
		read func(Field) any
		want string
	}{
		"a string":             {func(f Field) any { return f.Text("metadata", "name") }, "x"},
		"a number as a string": {func(f Field) any { return f.Text("spec", "number") }, "5"},
		"null is absent":       {func(f Field) any { return f.Text("spec", "absent", "below") }, ""},
		"behind an alias":      {func(f Field) any { return f.Text("spec", "alias", "deep") }, "value"},
		"labels":               {func(f Field) any { return f.Texts("metadata", "labels") }, "map[a:b c:null]"},
		"paths of entries": {func(f Field) any {
			var paths []string
			for _, i := range f.Items("spec", "list") {
				paths = append(paths, i.Path)
			}
			return paths
		}, "[spec.list.[name=first] spec.list[1] spec.list[2]]"},
		"by name":  {func(f Field) any { return f.Get("spec", "list").Named("first")[0].Text("value") }, "1"},
		"YAML 1.1": {func(f Field) any { return *f.Boolean("spec", "yes") }, "{true false}"},
		"quoted":   {func(f Field) any { return *f.Boolean("spec", "quoted") }, "{true true}"},
		"none":     {func(f Field) any { return f.Boolean("spec", "absent") }, "<nil>"},
	} {
		if got := fmt.Sprint(tc.read(parse(t, resource))); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

// entry is an entry of a list that the function writes.
type entry struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

func TestExpand(t *testing.T) {
	t.Run("aliases are expanded in a copy alone", func(t *testing.T) {
		resource := yaml.MustParse("a: &x {k: v}\nb: *x\n")
		expanded, err := Expand(resource.YNode())
		if err != nil {
			t.Fatal(err)
		}
		Field{Node: expanded.Content[3]}.PutText("k", "changed")
		if got := yaml.NewRNode(expanded).MustString(); got != "a: {k: v}\nb: {k: changed}\n" {
			t.Errorf("got\n%s", got)
		}
		if got := resource.MustString(); got != "a: &x {k: v}\nb: *x\n" {
			t.Errorf("the original is\n%s", got)
		}
	})
	t.Run("a bomb is refused", func(t *testing.T) {
		var bomb strings.Builder
		bomb.WriteString("a0: &a0 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n")
		for i := 1; i < 10; i++ {
			fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
		}
		resource := yaml.MustParse(bomb.String())
		if _, err := Expand(resource.YNode()); err == nil || !strings.Contains(err.Error(), "100000 values") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without aliases nothing is copied", func(t *testing.T) {
		in := yaml.MustParse("a: b\n").YNode()
		out, err := Expand(in)
		if err != nil || out != in {
			t.Errorf("got %v, %v", out, err)
		}
	})
}

func TestCheckKeys(t *testing.T) {
	for text, want := range map[string]string{
		"a: {b: 1, c: 2}\n":                      "",
		"a: 1\nb: 2\na: 3\n":                     "a: appears twice; remove one",
		"a:\n- name: x\n  b: 1\n  b: 2\n":        "a.[name=x].b: appears twice; remove one",
		"a: [[{b: 1}, {b: 1, c: {d: 1, d: 2}}]]": "a[0][1].c.d: appears twice; remove one",
	} {
		err := checkKeys(parse(t, text))
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestNewObjects(t *testing.T) {
	for text, want := range map[string]string{
		"kind: A\n": "[A] false",
		"kind: List\nitems:\n- kind: A\n- kind: ConfigMapList\n  items: [{kind: B}, {data: {}}]\n- text\n": "[A B ConfigMap] true",
		"kind: List\nitems: [{kind: A, x: &x {y: 1}}, {kind: B, x: *x}]\n":                                 "[A B] true",
		"kind: List\n":                                           "[List] false",
		"kind: ItemList\nitems: no list\n":                       "[ItemList] false",
		"kind: List\nitems: &x [*x]\n":                           "[List] false",
		"kind: Service\nkind: List\nitems: [{kind: A}]\n":        "[Service] false kind: appears twice; remove one",
		"kind: List\nitems: [{kind: A}]\nitems: [{kind: B}]\n":   "[List] false items: appears twice; remove one",
		"<<: {kind: List, items: [{kind: A}]}\n":                 "[A] true",
		"kind: List\nlabels: {a: b, a: c}\nitems: [{kind: A}]\n": "[A] true",
	} {
		var kinds []string
		objects, list := NewObjects(yaml.MustParse(text).YNode(), nil)
		for _, o := range objects {
			kinds = append(kinds, o.Identities()[0].Kind)
		}
		got := fmt.Sprintf("%v %t", kinds, list != nil)
		if err := objects[0].Err(); err != nil && strings.Contains(err.Error(), "twice") {
			got += " " + err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"metadata: {name: a.b-c, namespace: d}\n":                                         "",
		"metadata: {name: a_b}\n":                                                         `metadata.name: "a_b" is not a name for the API server, which takes at most 253 lower-case letters, digits, '-' and '.'; correct it`,
		"metadata: {namespace: a.b}\n":                                                    `metadata.namespace: "a.b" is not a namespace for the API server, which takes at most 63 lower-case letters, digits, '-' and '.'; correct it`,
		"metadata: {name: \"${tenant}-ca\", namespace: \"${tenant}\"}\n":                  "", // Flux substitutes
		"kind: ClusterTrustBundle\nmetadata: {name: \"example.com:mesh:a\"}\n":            "",
		"metadata: no mapping\n":                                                          "",
		"data: {ca.crt: x, .hidden: y, \"${key}\": z}\n":                                  "",
		"data: {...: x}\n":                                                                "data....: is not a key for the API server, which takes at most 253 letters, digits, '-', '_' and '.'; rename it",
		"data: {a: x}\nbinaryData: {a: eA==}\n":                                           "binaryData.a: stands in data and binaryData, which the API server refuses; remove one",
		"data: {" + strings.Repeat("k", 254) + ": x}\n":                                   "data.(254 characters, not shown): is not a key for the API server, which takes at most 253 letters, digits, '-', '_' and '.'; rename it",
		"metadata: {name: " + strings.Repeat("n", 253) + "}\n":                            "",
		"metadata: {namespace: " + strings.Repeat("n", 64) + ", name: x}\nkind: Secret\n": `metadata.namespace: "(64 characters, not shown)" is not a namespace for the API server, which takes at most 63 lower-case letters, digits, '-' and '.'; correct it`,
	} {
		f := parse(t, text)
		err := f.CheckNames()
		if err == nil {
			err = f.CheckDataKeys([]string{"data", "binaryData"}, true)
		}
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
	}
}

// TestIdentities: what the API server takes an object for counts, and what kyaml does.
func TestIdentities(t *testing.T) {
	const plain = "{v1 ConfigMap [a] [b]}"
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {x: y, x: z}\n":                                                   plain,
		"apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: a, namespace: b}\n":                                                         plain + " {v1 Secret [a] [b]}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\nmetadata: {name: c}\n":                                                  plain + " {v1 ConfigMap [c] []}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b, name: d}\n":                                                              plain + " {v1 ConfigMap [d] [b]}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: !!binary YQ==, namespace: b}\n":                                                           "{v1 ConfigMap [] [b]} " + plain,
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {<<: {name: a}, namespace: b}\n":                                                                 "{v1 ConfigMap [] [b]} " + plain,
		"apiVersion: v1\n!!binary a2luZA==: ConfigMap\nmetadata: {name: a, namespace: b}\n":                                                          "{v1  [a] [b]} " + plain,
		"apiVersion: v1\nkind: &k ConfigMap\nmetadata: {name: a, namespace: b, labels: {k: *k}}\n":                                                   plain,
		"x: &n a\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: *n, namespace: b}\n":                                                             plain,
		"{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\", \"namespace\": \"b\"}}":                                   plain,
		"kind: [ConfigMap]\nkind: Secret\n":                                                                                                          "{  [] []} { Secret [] []}",
		"metadata: {name: a, annotations: {internal.config.kubernetes.io/previousNames: \"c,d\", internal.config.kubernetes.io/previousNames: e}}\n": "{  [a c d] []} {  [a e] []}",
		"kind: X\nmetadata: no mapping\n": "{ X [] []}",
	} {
		if got := strings.Trim(fmt.Sprint(identities(parse(t, text).Node)), "[]"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
