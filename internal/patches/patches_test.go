package patches

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func parse(t *testing.T, text string) *yaml.Node {
	t.Helper()
	n, err := yaml.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n.YNode()
}

// TestDiff: what becomes of a difference. That kustomize makes the same of it is
// tested in e2e, where kustomize is.
func TestDiff(t *testing.T) {
	for name, tc := range map[string]struct{ before, after, want string }{
		"nothing":                {"a: 1", "a: 1 # a comment", ""},
		"style only":             {"a: 'x'", "a: x", ""},
		"null is absent":         {"a: null\nb: 1", "b: 1\nc: ~", ""},
		"added":                  {"a: {b: 1}", "a: {b: 1, c: {d: [x]}}", "a:\n  c:\n    d:\n    - x\n"},
		"changed":                {"a: {b: 1}", "a: {b: 2}", "a:\n  b: 2\n"},
		"number and string":      {"a: 1", "a: '1'", "a: \"1\"\n"},
		"removed":                {"a: {b: 1, c: 2}", "a: {b: 1}", "a:\n  c: null\n"},
		"removed whole":          {"a: {b: 1}\nc: 1", "c: 1", "a: null\n"},
		"kind of value":          {"a: x", "a: {b: 1}", "a:\n  b: 1\n"},
		"behind null":            {"env: null", "env: [{name: a, value: x}]", "env:\n- name: a\n  value: x\n"},
		"entry added":            {"env: [{name: a}, {name: b}]", "env: [{name: a}, {name: b}, {name: c}]", "env:\n- name: c\n"},
		"entry changed":          {"env: [{name: a, value: x}, {name: b}]", "env: [{name: a, value: y}, {name: b}]", "env:\n- name: a\n  value: y\n"},
		"entry removed":          {"env: [{name: a}, {name: b}]", "env: [{name: b}]", "env:\n- name: a\n  $patch: delete\n"},
		"field of entry removed": {"volumes: [{name: a, emptyDir: {}}]", "volumes: [{name: a, projected: {sources: [x]}}]", "volumes:\n- name: a\n  projected:\n    sources:\n    - x\n  emptyDir: null\n"},
		"old order counts":       {"env: [{name: a}, {name: b, value: $(a)}]", "env: [{name: a}, {name: b, value: $(a)/x}]", "env:\n- name: a\n- name: b\n  value: $(a)/x\n"},
		"container in front":     {"containers: [{name: a}, {name: b}]", "containers: [{name: a}, {name: b, image: x}]", "containers:\n- name: a\n- name: b\n  image: x\n"},
		"container behind":       {"containers: [{name: a}, {name: b}]", "containers: [{name: a, image: x}, {name: b}]", "containers:\n- name: a\n  image: x\n"},
		"init container added":   {"initContainers: [{name: a}]", "initContainers: [{name: a}, {name: b}]", "initContainers:\n- name: a\n- name: b\n"},
		"by mountPath":           {"volumeMounts: [{mountPath: /a, name: x}]", "volumeMounts: [{mountPath: /a, name: x}, {name: x, mountPath: /b}]", "volumeMounts:\n- name: x\n  mountPath: /b\n"},
		"atomic":                 {"drop: [NET_RAW]", "drop: [NET_RAW, ALL]", "drop:\n- NET_RAW\n- ALL\n"},

		"error: unknown list":  {"a: {tolerations: [x]}", "a: {tolerations: [y]}", "a.tolerations: this list cannot be changed by a patch that fits"},
		"error: twice":         {"env: [{name: a}, {name: a}]", "env: [{name: a}, {name: a, value: x}]", "env.[name=a]: appears twice"},
		"error: no name":       {"env: [{value: a}]", "env: [{value: b}]", "env: an entry has no name"},
		"order":                {"env: [{name: a}, {name: b}]", "env: [{name: b}, {name: a}]", "env:\n- name: b\n- name: a\n"},
		"error: quoted":        {"a: {b: \"false\"}", "a: {b: true}", "a.b: is the string \"false\", and kustomize keeps the quotes"},
		"error: below a name":  {"containers: [{name: a, tolerations: [x]}]", "containers: [{name: a, tolerations: [y]}]", "containers.[name=a].tolerations: this list"},
		"quoted string is one": {"a: \"x\"", "a: y", "a: y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			diff, err := Diff(parse(t, tc.before), parse(t, tc.after))
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case diff != nil:
				if got, err = encode(diff); err != nil {
					t.Fatal(err)
				}
			}
			if strings.HasPrefix(name, "error: ") && err != nil && strings.HasPrefix(got, tc.want) {
				return
			}
			if got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

const before = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME, namespace: NAMESPACE}\nspec: {a: 1}\n"

func change(t *testing.T, name, namespace, value string, stock bool) Change {
	t.Helper()
	text := strings.NewReplacer("NAMESPACE", namespace, "NAME", name).Replace(before)
	return Change{Before: parse(t, text), After: parse(t, strings.ReplaceAll(text, "a: 1", "a: "+value)), Stock: stock}
}

// TestOf: which workloads share a patch, and how it finds them.
func TestOf(t *testing.T) {
	for name, tc := range map[string]struct {
		changes []Change
		want    string // targets
	}{
		"nothing":            {nil, ""},
		"no change":          {[]Change{change(t, "a", "x", "1", false)}, ""},
		"one":                {[]Change{change(t, "a", "x", "2", false)}, "^a$"},
		"the same":           {[]Change{change(t, "a", "x", "2", false), change(t, "b.c", "x", "2", false)}, `^(a|b\.c)$`},
		"different":          {[]Change{change(t, "a", "x", "2", false), change(t, "b", "x", "3", false)}, "^a$ ^b$"},
		"stock":              {[]Change{change(t, "a", "x", "2", true), change(t, "b", "x", "2", true)}, "^(.+-)?(a|b)(-.+)?$"},
		"one stock":          {[]Change{change(t, "a", "x", "2", true)}, "^(.+-)?a(-.+)?$"},
		"several namespaces": {[]Change{change(t, "a", "x", "2", false), change(t, "a", "y", "3", false)}, "x/^a$ y/^a$"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := Of("corp", tc.changes)
			if err != nil {
				t.Fatal(err)
			}
			var targets []string
			for _, p := range made {
				targets = append(targets, strings.TrimPrefix(p.Target.Namespace+"/"+p.Target.Name, "/"))
				if Owner(p.Body) != "corp" {
					t.Errorf("the patch does not say whose it is:\n%s", p.Body)
				}
			}
			if got := strings.Join(targets, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestOfRefusesPlaceholders(t *testing.T) {
	_, err := Of("corp", []Change{change(t, "a", "x", "'${b}'", false)})
	if err == nil || !strings.Contains(err.Error(), "Deployment a: spec.a: the patch would hold a ${…}") {
		t.Errorf("got %v", err)
	}
}

func TestOwner(t *testing.T) {
	for body, want := range map[string]string{
		"":                                       "",
		"- op: add\n":                            "",
		"# fluxtrust.dev/config: corp\na: 1\n":   "corp",
		"# fluxtrust.dev/config: corp":           "corp",
		"# fluxtrust.dev/config: corp\r\na: 1\n": "corp",
		"a: 1\n# fluxtrust.dev/config: corp\n":   "",
		"metadata:\n  annotations:\n    fluxtrust.dev/config: corp\n":      "corp",
		"- op: add\n  path: /metadata/annotations/fluxtrust.dev~1config\n": "",
	} {
		if got := Owner(body); got != want {
			t.Errorf("%q is that of %q, want %q", body, got, want)
		}
	}
}

func TestPrint(t *testing.T) {
	made, err := Of("corp", []Change{change(t, "a", "x", "2", false)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Print(made, "spec", "patches")
	if err != nil {
		t.Fatal(err)
	}
	want := "spec:\n  patches:\n  - target:\n      kind: Deployment\n      name: ^a$\n    patch: |\n      # fluxtrust.dev/config: corp\n" +
		"      apiVersion: apps/v1\n      kind: Deployment\n      metadata:\n        name: all\n      spec:\n        a: 2\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, err := Print(nil, "patches"); err != nil || got != "patches: []\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
