package patches

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// directory is the patch of the method Directory for stock controllers.
const directory = `# fluxtrust.dev/config: corp
apiVersion: apps/v1
kind: Deployment
metadata:
  name: all
  annotations: {fluxtrust.dev/config: corp}
spec:
  template:
    spec:
      containers:
      - name: manager
        env:
        - {name: SSL_CERT_DIR, value: /ca}
        volumeMounts:
        - {name: flux-trust-ca, mountPath: /ca}
      volumes:
      - name: flux-trust-ca
        projected: {sources: [{configMap: {name: corp-ca}}]}
`

func patchOf(body string, namespaces ...string) Patch {
	return Patch{Target: Target{Kind: "Deployment", Name: "^source-controller$"}, Body: body, Namespaces: namespaces}
}

// TestFormats: every row of the table has a name, a line for people, controllers and a
// text, and refuses what it cannot say.
func TestFormats(t *testing.T) {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
		if found, ok := FindFormat(f.Name); !ok || found.Help != f.Help || f.Help == "" || strings.HasSuffix(f.Help, ".") || len(f.Components()) == 0 {
			t.Errorf("%s: %+v", f.Name, f)
		}
		if f.Print == nil {
			continue
		}
		text, err := f.Print(Request{Owner: "corp", Namespace: "flux-system", Patches: []Patch{patchOf(directory, "")}})
		if err != nil || !strings.Contains(text, "/ca") || strings.Contains(text, "\n\n") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s: %v\n%s", f.Name, err, text)
		}
		more := strings.Replace(directory, "        env:", "        securityContext: {privileged: false}\n        env:", 1)
		_, err = f.Print(Request{Owner: "corp", Patches: []Patch{patchOf(more, "")}})
		list := slices.Contains([]string{Kustomization, "flux-kustomization", "flux-instance"}, f.Name)
		if errors.Is(err, errOther) == list {
			t.Errorf("%s of a securityContext: %v", f.Name, err)
		}
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(Formats()) {
		t.Errorf("a name appears twice: %v", names)
	}
	if _, ok := FindFormat("json"); ok {
		t.Error("there is no format json")
	}
}

func TestRequestNamespaces(t *testing.T) {
	for name, tc := range map[string]struct {
		patches []Patch
		want    string
	}{
		"no patch":      {nil, "fallback"},
		"not known":     {[]Patch{patchOf(directory, "")}, "fallback"},
		"known":         {[]Patch{patchOf(directory, "gitops")}, "gitops"},
		"two":           {[]Patch{patchOf(directory, "b"), patchOf(directory, "a", "b")}, "a b"},
		"one not known": {[]Patch{patchOf(directory, "a", "")}, "a fallback"},
	} {
		if got := strings.Join(Request{Namespace: "fallback", Patches: tc.patches}.namespaces(), " "); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// TestPolicies: patches that differ in the namespace alone share a policy, others have
// one each.
func TestPolicies(t *testing.T) {
	other := strings.ReplaceAll(directory, "/ca", "/certs")
	for name, tc := range map[string]struct {
		patches []Patch
		want    []string
	}{
		"one":             {[]Patch{patchOf(directory, "a")}, []string{"name: flux-trust-corp\n"}},
		"across":          {[]Patch{patchOf(directory, "a"), patchOf(directory, "b")}, []string{"name: flux-trust-corp\n", "values: [a, b]"}},
		"different ones":  {[]Patch{patchOf(directory, "a"), patchOf(other, "b")}, []string{"name: flux-trust-corp\n", "name: flux-trust-corp-2\n"}},
		"quotes in names": {[]Patch{patchOf(strings.Replace(directory, "name: manager", `name: 'a"b\c'`, 1), "a")}, []string{`c.name == "a\"b\\c"`}},
	} {
		text, err := printAdmissionPolicy(Request{Owner: "corp", Patches: tc.patches})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in\n%s", name, want, text)
			}
		}
		if strings.Count(text, "kind: MutatingAdmissionPolicy\n") != strings.Count(strings.Join(tc.want, ""), "name: flux-trust-") && name != "quotes in names" {
			t.Errorf("%s: another number of policies\n%s", name, text)
		}
	}
	if _, err := printAdmissionPolicy(Request{}); err == nil {
		t.Error("there is no policy without a patch")
	}
}

func TestCELHas(t *testing.T) {
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"a scalar": {5, "x == 5"},
		"a string": {`a"b`, `x == "a\"b"`},
		"a field":  {map[string]any{"a": true}, "has(x.a) && x.a == true"},
		"a key":    {map[string]any{"a-b": 1}, `"a-b" in x && x["a-b"] == 1`},
		"a list":   {[]any{"a", map[string]any{"b": []any{}}}, `size(x) == 2 && x.exists(x0, x0 == "a") && x.exists(x0, has(x0.b) && size(x0.b) == 0)`},
	} {
		if got := celHas("x", tc.value, 0); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
