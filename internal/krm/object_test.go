package krm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func object(t *testing.T, text string) *Object {
	t.Helper()
	return NewObject(yaml.MustParse(text).YNode(), &File{Path: "f.yaml"})
}

// TestErrorsStick: the first error wins, readers go on with nothing, and edits do
// nothing any more.
func TestErrorsStick(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(f Field)
		want string
	}{
		"get through a string": {func(f Field) { f.Get("s", "a", "b") }, `s: expected fields such as a, got a string`},
		"items of a string":    {func(f Field) { f.Items("s") }, `s: expected a list, got a string`},
		"text of a list":       {func(f Field) { f.Text("l") }, "l: expected a string, got a list"},
		"text that is binary":  {func(f Field) { f.Text("b") }, "b: expected a string, got !!binary; write the text itself"},
		"texts of a list":      {func(f Field) { f.Texts("l") }, "l: expected keys and values, got a list"},
		"boolean of a number":  {func(f Field) { f.Boolean("b") }, "b: expected true or false, got a value of another type"},
		"boolean of a mapping": {func(f Field) { f.Boolean("m") }, "m: expected true or false, got a mapping"},
		"name of an entry":     {func(f Field) { f.Get("l").Named("x") }, "l[0].name: expected a string, got a mapping"},
		"duplicate key":        {func(f Field) { f.Get("twice").CheckKeys() }, "twice.k: appears twice; remove one"},
		"of the caller":        {func(f Field) { f.Get("m").Fail("Mine", "is %d", 1) }, "m: is 1"},
		"the first":            {func(f Field) { f.Text("l"); f.Text("m") }, "l: expected a string, got a list"},
		"through a null":       {func(f Field) { f.Text("n", "a", "b") }, ""},
		"loose":                {func(f Field) { f.Loose().Get("s").Get("a") }, ""},
		"peek":                 {func(f Field) { f.Peek("l") }, ""},
		"an edit of before":    {func(f Field) { f.Get("m").PutText("a", "b") }, errReadOnly.Error()},
		"an edit of nothing":   {func(f Field) { f.Object().Edit().Get("none").PutText("a", "b") }, errReadOnly.Error()},
		"entries to reconcile": {func(f Field) { f.Object().Edit().Reconcile("l", IsNamed("x"), nil) }, "l[0].name: expected a string, got a mapping"},
		"entries of no list":   {func(f Field) { f.Object().Edit().Reconcile("s", IsNamed("x"), nil) }, `s: expected a list, got a string`},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, "s: x\nl: [{name: {}}]\nm: {}\nn: null\nb: !!binary eA==\ntwice: {k: 1, k: 2}\n")
			tc.do(o.Before)
			got := ""
			if o.Err() != nil {
				got = o.Err().Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if tc.want == "" {
				return
			}
			before := written(o.Edit())
			o.Edit().PutText("a", "b")
			o.Edit().Ensure("c", "d").PutBool("e", true)
			o.Edit().EnsureList("f").Add(TextNode("g"))
			o.Edit().Get("s").SetText("y")
			o.Edit().Remove("s")
			o.Edit().RemoveEmpty("m", true)
			if after := written(o.Edit()); after != before {
				t.Errorf("it was edited:\n%s", after)
			}
		})
	}
}

func TestObject(t *testing.T) {
	o := object(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: p-x\n  namespace: ns\n  annotations:\n"+
		"    internal.config.kubernetes.io/previousNames: x,y\n    internal.config.kubernetes.io/previousNamespaces: old\nbase: &b {k: v}\nother: *b\n")
	got := strings.TrimSpace(fmt.Sprintln(o.Group(), o.Kind(), o.Namespace(), o.Name(), o.Names, o.Namespaces, o.Before.Text("other", "k"), o.Changed(), len(o.Differences())))
	if want := "apps Deployment ns p-x [p-x x y] [ns old] v false 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.Edit().Get("other").PutText("k", "changed")
	if o.Before.Text("other", "k") != "v" || o.After().Text("base", "k") != "v" || !o.Changed() {
		t.Errorf("before is %s, after is %s", written(o.Before), written(o.After()))
	}
	o.Edit().Get("other").PutText("k", "v")
	if o.Changed() {
		t.Error("a change that was taken back is one")
	}
	r := Reference("v1", "Secret", "ns", "x")
	if got := fmt.Sprintln(r.Group(), r.Kind(), r.Namespace(), r.Name(), r.Err()); got != "v1 Secret ns x <nil>\n" {
		t.Errorf("got %s", got)
	}
}

// TestAliasesThatCannotBeExpanded: the error is one of the object.
func TestAliasesThatCannotBeExpanded(t *testing.T) {
	for _, text := range []string{"a: &a {<<: *a}\n", "a: &a {x: 1}\nb: {<<: [*a, 1]}\n"} {
		if o := object(t, text); o.Err() == nil {
			t.Errorf("%q: no error", text)
		} else if f, ok := o.Failure(o.Err()); !ok || f.Code != Aliases || f.Object != o {
			t.Errorf("%q: got %v", text, f)
		}
	}
}

func TestEdit(t *testing.T) {
	for name, tc := range map[string]struct {
		before string
		edit   func(f Field)
		after  string
	}{
		"through an explicit null":        {"a: null # why\n", func(f Field) { f.Ensure("a", "b").PutBool("c", true) }, "a: # why\n  b:\n    c: true\n"},
		"a boolean that was quoted":       {"a: \"true\" # why\n", func(f Field) { f.PutBool("a", false) }, "a: false # why\n"},
		"a string that was quoted":        {"a: 'x' # why\n", func(f Field) { f.PutText("a", "y") }, "a: 'y' # why\n"},
		"a string that is the same":       {"a: 'x' # why\n", func(f Field) { f.PutText("a", "x") }, "a: 'x' # why\n"},
		"a number that is to be a string": {"a: 5\n", func(f Field) { f.PutText("a", "5") }, "a: \"5\"\n"},
		"a scalar in its place":           {"a: [all, b] # why\n", func(f Field) { f.Items("a")[0].SetText("ALL") }, "a: [ALL, b] # why\n"},
		"an entry that goes":              {"a: [x, y]\n", func(f Field) { f.Get("a").RemoveEntry(f.Items("a")[0]) }, "a: [y]\n"},
		"a list that is emptied":          {"a: [x]\nb: 1\n", func(f Field) { f.Get("a").RemoveEntry(f.Items("a")[0]); f.RemoveEmpty("a", true) }, "b: 1\n"},
		"a list that was empty":           {"a: []\nb: 1\n", func(f Field) { f.RemoveEmpty("a", false) }, "a: []\nb: 1\n"},
		"nothing to remove":               {"b: 1\n", func(f Field) { f.Remove("a"); f.Get("a").Remove("b"); f.RemoveEmpty("b", true) }, "b: 1\n"},
		"into an empty list": {
			"a: [] # why\n", func(f Field) { f.Reconcile("a", IsNamed("ours"), []any{entry{"ours", "1"}}) },
			"a: # why\n- name: ours\n  value: \"1\"\n",
		},
		"in the place of the old one": {
			"a:\n# mine\n- {name: ours, value: '0'}\n- {name: other}\n",
			func(f Field) { f.Reconcile("a", IsNamed("ours"), []any{entry{"ours", "1"}}) },
			"a:\n# mine\n- name: ours\n  value: \"1\"\n- {name: other}\n",
		},
		"what is as wanted but for defaults": {
			"a:\n- {value: '1', name: ours, terminationMessagePath: /dev/x}\n",
			func(f Field) { f.Reconcile("a", IsNamed("ours"), []any{entry{"ours", "1"}}) },
			"a:\n- {value: '1', name: ours, terminationMessagePath: /dev/x}\n",
		},
		"behind the own ones": {
			"a:\n- {name: ours, value: '1'}\n- {name: other}\n",
			func(f Field) {
				f.Reconcile("a", IsNamed("ours", "mine"), []any{entry{"ours", "1"}, entry{"mine", "2"}})
			},
			"a:\n- {name: ours, value: '1'}\n- name: mine\n  value: \"2\"\n- {name: other}\n",
		},
		"the last one goes with its list": {"a:\n- {name: ours}\nb: 1\n", func(f Field) { f.Reconcile("a", IsNamed("ours"), nil) }, "b: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, tc.before)
			tc.edit(o.Edit())
			if o.Err() != nil {
				t.Fatal(o.Err())
			}
			if got := written(o.After()); got != tc.after {
				t.Errorf("got\n%swant\n%s", got, tc.after)
			}
			if o.Changed() != (tc.after != tc.before) {
				t.Errorf("changed is %t", o.Changed())
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	for name, tc := range map[string]struct{ before, after, want string }{
		"nothing but style":        {"a: 'x' # why\nb: 1\n", "b: 1\na: x\n", ""},
		"null is absent":           {"a: null\nb: ~\n", "b: null\n", ""},
		"an alias is its value":    {"a: &a {b: 1}\nc: *a\n", "a: {b: 1}\nc: {b: 1}\n", ""},
		"set":                      {"a: {}\n", "a: {b: {c: true}}\n", "a.b.c is missing; it must be true"},
		"set behind nothing":       {"x: 1\n", "x: 1\na: {b: {c: true}}\n", "a.b.c is missing; it must be true"},
		"changed":                  {"a: 1\n", "a: 2\n", "a is 1; it must be 2"},
		"of another type":          {"a: \"true\"\n", "a: true\n", `a is the string "true"; it must be true`},
		"removed":                  {"a: {b: 1, c: 2}\n", "a: {c: 2}\n", "a.b is 1; it must not be set"},
		"a mapping removed":        {"a: {b: {c: 1}}\n", "a: {}\n", "a.b must not be there"},
		"a mapping for a scalar":   {"a: 1\n", "a: {b: 2}\n", "a is 1; it must be {b: 2}"},
		"an empty mapping":         {"b: 1\n", "b: 1\na: {}\n", "a is missing"},
		"entry of a list":          {"l: [x]\n", "l: [x, y]\n", "l[1] is missing; it must be y"},
		"scalar of a list":         {"l: [all]\n", "l: [ALL]\n", "l[0] is all; it must be ALL"},
		"a list that is new":       {"a: 1\n", "a: 1\nl: [x]\n", "l[0] is missing; it must be x"},
		"a named entry":            {"l: [{name: a}]\n", "l: [{name: a}, {name: b, value: c}]\n", "l.[name=b] is missing"},
		"in a named entry":         {"l: [{name: a, v: 1}, {name: b, v: 1}]\n", "l: [{name: b, v: 2}, {name: a, v: 1}]\n", "l.[name=b].v is 1; it must be 2"},
		"a named entry removed":    {"l: [{name: a}, {name: b}]\n", "l: [{name: b}]\n", "l.[name=a] must not be there"},
		"entries of one name":      {"l: [{name: a, v: 1}, {name: a, v: 2}]\n", "l: [{name: a, v: 2}, {name: a, v: 3}]\n", "l.[name=a].v is 1; it must be 3"},
		"another order":            {"l: [x, y]\n", "l: [y, x]\n", "l is [x, y]; it must be [y, x]"},
		"a list for a mapping":     {"a: {b: [x, \"1\", a long secret with words]}\n", "a: [{name: b}]\n", `a is {b: [x, the string "1", (24 characters, not shown)]}; it must be [{name: b}]`},
		"a key that appears twice": {"a: 1\na: 1\n", "a: 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range Differences(object(t, tc.before).Before, object(t, tc.after).Before) {
				got = append(got, d.Path+" "+d.Message())
			}
			if joined := strings.Join(got, "\n"); joined != tc.want {
				t.Errorf("got\n%s\nwant\n%s", joined, tc.want)
			}
		})
	}
}

// TestDifferencesOfASecret: no value of a Secret or ConfigMap is told.
func TestDifferencesOfASecret(t *testing.T) {
	for _, kind := range []string{"Secret", "ConfigMap"} {
		for _, field := range []string{"data", "stringData", "binaryData"} {
			o := object(t, fmt.Sprintf("kind: %s\nmetadata: {name: x}\n%s: {k: canary}\n", kind, field))
			o.Edit().Get(field).PutText("k", "canary2")
			o.Edit().Get("metadata").PutText("name", "y")
			if got := fmt.Sprint(o.Differences()); strings.Contains(got, "canary") || !strings.Contains(got, "x y") {
				t.Errorf("%s, %s: got %s", kind, field, got)
			}
		}
	}
}

func TestFindings(t *testing.T) {
	var found Findings
	o := Reference("v1", "Secret", "ns", "x")
	found.Fail(o, nil)
	found.Fail(o, fmt.Errorf("around: %w", ErrReported))
	found.Add(Warning, "Mine", o, Difference{Path: "a", Proposed: true}, "is %d", 1)
	if found.Failed() {
		t.Error("a warning is an error")
	}
	found.Fail(o, fmt.Errorf("around: %w", &FieldError{Code: "Theirs", Path: "b", Message: "is wrong"}))
	found.Fail(nil, fmt.Errorf("around: %w", &FieldError{Code: "Theirs", Path: "b", Message: "is wrong"}))
	found.Fail(nil, errors.New("about nothing in particular"))
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s %s %t %s: %s", f.Severity, f.Code, f.Object != nil, f.Path, f.Message))
	}
	want := "warning Mine true a: is 1\nerror Theirs true b: is wrong\nerror Theirs false : around: b: is wrong\nerror Unspecified false : about nothing in particular"
	if strings.Join(got, "\n") != want || !found.Failed() {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
