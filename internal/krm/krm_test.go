package krm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
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
		read func(Field) (any, error)
		want string
	}{
		"a string":              {func(f Field) (any, error) { return f.TextAtE("metadata", "name") }, "x"},
		"a number as a string":  {func(f Field) (any, error) { return f.TextAtE("spec", "number") }, "5"},
		"null is absent":        {func(f Field) (any, error) { return f.TextAtE("spec", "absent", "below") }, ""},
		"behind an alias":       {func(f Field) (any, error) { return f.TextAtE("spec", "alias", "deep") }, "value"},
		"a mapping as a string": {func(f Field) (any, error) { return f.TextAtE("metadata") }, "metadata: expected a string, got a mapping"},
		"a key of a scalar":     {func(f Field) (any, error) { return f.TextAtE("metadata", "name", "key") }, `metadata.name: expected fields such as key, got a string`},
		"binary":                {func(f Field) (any, error) { return f.TextAtE("spec", "binary") }, "spec.binary: expected a string, got !!binary; write the text itself"},
		"labels":                {func(f Field) (any, error) { return f.TextsAtE("metadata", "labels") }, "map[a:b c:null]"},
		"labels that are none":  {func(f Field) (any, error) { return f.TextsAtE("spec", "list") }, "spec.list: expected keys and values, got a list"},
		"a list that is none":   {func(f Field) (any, error) { return f.EntriesE("metadata") }, "metadata: expected a list, got a mapping"},
		"paths of entries": {func(f Field) (any, error) {
			items, err := f.EntriesE("spec", "list")
			var paths []string
			for _, i := range items {
				paths = append(paths, i.Path)
			}
			return paths, err
		}, "[spec.list.[name=first] spec.list[1] spec.list[2]]"},
		"YAML 1.1":   {func(f Field) (any, error) { f, _ = f.AtE("spec", "yes"); return f.truth() }, "true"},                                                     //nolint:errcheck // it is there
		"quoted":     {func(f Field) (any, error) { f, _ = f.AtE("spec", "quoted"); return f.truth() }, "true, quoted"},                                          //nolint:errcheck // it is there
		"no boolean": {func(f Field) (any, error) { f, _ = f.AtE("spec", "number"); return f.truth() }, `spec.number: expected true or false, got the number 5`}, //nolint:errcheck // it is there
	} {
		got, err := tc.read(parse(t, resource))
		if err != nil {
			got = err
		}
		if fmt.Sprint(got) != tc.want {
			t.Errorf("%s: got %v, want %s", name, got, tc.want)
		}
	}
}

// truth shows what Boolean says.
func (f Field) truth() (string, error) {
	value, err := f.BooleanE()
	if err != nil {
		return "", err
	}
	text := fmt.Sprint(value.Value)
	if value.Quoted {
		text += ", quoted"
	}
	return text, nil
}

// TestEditing: what was around a change stays, and Validate is told of each.
func TestEditing(t *testing.T) {
	for name, tc := range map[string]struct {
		before  string
		edit    func(*Editor, Field) error
		after   string
		differs string
	}{
		"behind a null": {
			"spec: null\n", func(e *Editor, f Field) error {
				spec, err := e.EnsureE(f, "spec", "securityContext")
				e.PutBool(spec, "runAsNonRoot", true)
				return err
			}, "spec:\n  securityContext:\n    runAsNonRoot: true\n", "spec.securityContext.runAsNonRoot is missing; it must be true",
		},
		"a boolean that was quoted": {
			"a: \"true\" # why\n", func(e *Editor, f Field) error { e.PutBool(f, "a", false); return nil },
			"a: false # why\n", `.a is the string "true"; must be false`,
		},
		"a string that was quoted": {
			"a: 'x' # why\n", func(e *Editor, f Field) error { e.PutText(f, "a", "y"); return nil },
			"a: 'y' # why\n", `.a is the string "x"; must be the string "y"`,
		},
		"into an empty list": {
			"a: [] # why\n", func(e *Editor, f Field) error {
				return e.ReconcileListE(f, "a", IsNamedE("ours"), []any{entry{"ours", "1"}})
			},
			"a: # why\n- name: ours\n  value: \"1\"\n", "a.[name=ours] is missing",
		},
		"in the place of the old one": {
			"a:\n# mine\n- {name: ours, value: '0'}\n- {name: other}\n", func(e *Editor, f Field) error {
				return e.ReconcileListE(f, "a", IsNamedE("ours"), []any{entry{"ours", "1"}})
			},
			"a:\n# mine\n- name: ours\n  value: \"1\"\n- {name: other}\n", `a.[name=ours].value is the string "0"; must be the string "1"`,
		},
		"what is as wanted but for defaults": {
			"a:\n- {value: '1', name: ours, terminationMessagePath: /dev/x}\n", func(e *Editor, f Field) error {
				return e.ReconcileListE(f, "a", IsNamedE("ours"), []any{entry{"ours", "1"}})
			},
			"a:\n- {value: '1', name: ours, terminationMessagePath: /dev/x}\n", "",
		},
		"behind the own ones": {
			"a:\n- {name: ours, value: '1'}\n- {name: other}\n", func(e *Editor, f Field) error {
				return e.ReconcileListE(f, "a", IsNamedE("ours", "mine"), []any{entry{"ours", "1"}, entry{"mine", "2"}})
			},
			"a:\n- {name: ours, value: '1'}\n- name: mine\n  value: \"2\"\n- {name: other}\n", "a.[name=mine] is missing",
		},
		"the last one goes with its list": {
			"a:\n- {name: ours}\nb: 1\n", func(e *Editor, f Field) error { return e.ReconcileListE(f, "a", IsNamedE("ours"), nil) },
			"b: 1\n", "a.[name=ours] must not be there",
		},
		"nothing to remove": {
			"b: 1\n", func(e *Editor, f Field) error {
				if e.Remove(f, "a") || e.Remove(Field{}, "a") {
					return errors.New("removed")
				}
				return nil
			}, "b: 1\n", "",
		},
		"an entry that cannot be read": {
			"a: [{name: {}}]\n", func(e *Editor, f Field) error { return e.ReconcileListE(f, "a", IsNamedE("ours"), nil) },
			"", "a[0].name: expected a string, got a mapping",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, said := parse(t, tc.before), ""
			e := &Editor{Differs: func(c Change, message string) { said = c.Path + " " + message }}
			if err := tc.edit(e, f); err != nil {
				if err.Error() != tc.differs {
					t.Errorf("got %v, want %s", err, tc.differs)
				}
				return
			}
			if got := written(f); got != tc.after {
				t.Errorf("got\n%swant\n%s", got, tc.after)
			}
			if said != tc.differs {
				t.Errorf("said %q, want %q", said, tc.differs)
			}
			if e.Changed != (tc.after != tc.before) {
				t.Errorf("changed is %t", e.Changed)
			}
		})
	}
}

// entry is an entry of a list that the function writes.
type entry struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

func TestPrepare(t *testing.T) {
	t.Run("aliases are expanded in the copy alone", func(t *testing.T) {
		resource := yaml.MustParse("a: &x {k: v}\nb: *x\n")
		work, err := Prepare(resource)
		if err != nil {
			t.Fatal(err)
		}
		(&Editor{}).PutText(Field{Node: Resolve(work.YNode().Content[3])}, "k", "changed")
		if got := work.MustString(); got != "a: {k: v}\nb: {k: changed}\n" {
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
		if err := CheckSize(resource); err == nil || !strings.Contains(err.Error(), "100000 values") {
			t.Errorf("got %v", err)
		}
		if _, err := ExpandAliases([]*yaml.RNode{resource}); err == nil {
			t.Error("it was expanded")
		}
	})
	t.Run("without aliases nothing is copied", func(t *testing.T) {
		in := []*yaml.RNode{yaml.MustParse("a: b\n")}
		out, err := ExpandAliases(in)
		if err != nil || out[0] != in[0] {
			t.Errorf("got %v, %v", out, err)
		}
	})
}

func TestCheckKeys(t *testing.T) {
	for text, want := range map[string]string{
		"a: {b: 1, c: 2}\n":                      "",
		"a: 1\nb: 2\na: 3\n":                     "a: stands twice; remove one",
		"a:\n- name: x\n  b: 1\n  b: 2\n":        "a.[name=x].b: stands twice; remove one",
		"a: [[{b: 1}, {b: 1, c: {d: 1, d: 2}}]]": "a[0][1].c.d: stands twice; remove one",
	} {
		err := CheckKeys(parse(t, text))
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestFlatten(t *testing.T) {
	list := parse(t, "kind: List\nitems:\n- {kind: A}\n- kind: ConfigMapList\n  items: [{kind: B}]\n- text\n")
	var kinds []string
	for _, f := range Flatten(list) {
		kinds = append(kinds, f.TextOr("kind"))
	}
	if fmt.Sprint(kinds) != "[A B]" {
		t.Errorf("got %v", kinds)
	}
	for _, text := range []string{"kind: List\n", "kind: ItemList\nitems: no list\n"} {
		if got := Flatten(parse(t, text)); len(got) > 1 {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// TestReport: a result names its resource and field, an error that was told of is
// not told of again, and Validate does not hear of changes.
func TestReport(t *testing.T) {
	var results framework.Results
	object := parse(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, namespace: y}\n")
	r := Report{Results: &results}
	r.Fail(errors.New("about nothing in particular"))
	r = r.Of(object, &framework.File{Path: "f.yaml"})
	r.Fail(fmt.Errorf("around: %w", &FieldError{Path: "spec.a", Message: "is wrong"}))
	r.Fail(fmt.Errorf("around: %w", ErrReported))
	r.Did(framework.Info, Change{Path: "spec.b", Current: "1", Proposed: "2"}, "set to %d", 2)
	r.Validate = true
	r.Did(framework.Info, Change{}, "not said")
	r.Differs(Change{Path: "spec.c"}, "100%")
	var got []string
	for _, result := range results {
		got = append(got, result.String())
	}
	want := []string{
		"[error]: about nothing in particular",
		"[error] apps/v1/Deployment/y/x spec.a: is wrong",
		"[info] apps/v1/Deployment/y/x spec.b: set to 2",
		"[error] apps/v1/Deployment/y/x spec.c: 100%",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if Count(1, "root") != "1 root" || Count(2, "root") != "2 roots" {
		t.Error("counts are not as people write them")
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
		"data: {...: x}\n":                                                                "data....: is no key for the API server, which takes at most 253 letters, digits, '-', '_' and '.'; rename it",
		"data: {a: x}\nbinaryData: {a: eA==}\n":                                           "binaryData.a: stands in data and binaryData, which the API server refuses; remove one",
		"data: {" + strings.Repeat("k", 254) + ": x}\n":                                   "data.(254 characters, not shown): is no key for the API server, which takes at most 253 letters, digits, '-', '_' and '.'; rename it",
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
