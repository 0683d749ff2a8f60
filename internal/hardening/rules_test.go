package hardening

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// rule is a row of the tables in docs/hardening.md.
type rule struct {
	profile v1alpha1.Profile
	// extra is a field under securityContext.extras, or "".
	extra string
	// scope is container, pod or pod template.
	scope, field string
	// is and becomes are YAML, or absent.
	is, becomes string
	// result is a severity, or "" when nothing is said.
	result string
}

func (r rule) String() string {
	return strings.Trim(fmt.Sprintf("%s %s %s.%s: %s", r.profile, r.extra, r.scope, r.field, r.is), " ")
}

// rulesOf reads the tables. An empty cell of a leading column stands for the one
// above.
func rulesOf(t *testing.T, file string) []rule {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	var table, extra, field string
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			table = ""
			continue
		case cells[0] == "field" || cells[0] == "extra":
			table, extra, field = cells[0], "", ""
			continue
		case table == "" || strings.HasPrefix(cells[0], "---"):
			continue
		case table == "extra":
			extra = cmp.Or(code(cells[0]), extra)
			cells = cells[1:]
		}
		field = cmp.Or(cells[0], field)
		scope, _, _ := strings.Cut(field, " `")
		r := rule{profile: v1alpha1.Restricted, extra: extra, scope: scope, field: code(field), is: yamlOf(cells[1]), becomes: yamlOf(cells[2]), result: cells[3]}
		rules = append(rules, r)
		if table == "extra" {
			continue
		}
		r.profile = v1alpha1.OpenShift
		if cells[4] != "same" {
			becomes, result, _ := strings.Cut(cells[4], ", ")
			r.becomes, r.result = yamlOf(becomes), result
		}
		rules = append(rules, r)
	}
	return rules
}

// yamlOf returns the YAML of a cell: what stands in its first backquotes.
func yamlOf(cell string) string {
	if strings.HasPrefix(cell, "absent") {
		return "absent"
	}
	return code(cell)
}

func code(cell string) string {
	_, rest, _ := strings.Cut(cell, "`")
	text, _, _ := strings.Cut(rest, "`")
	return text
}

const head = `apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller}
spec:
  template:
    spec:
      containers:
      - name: manager
        image: registry.example.com/fluxcd/source-controller:v1.9.6
`

// strictest returns a Deployment in which a profile finds nothing to do.
func strictest(profile v1alpha1.Profile) *yaml.RNode {
	platform := "          runAsNonRoot: true\n          seccompProfile: {type: RuntimeDefault}\n"
	if profile == v1alpha1.OpenShift {
		platform = ""
	}
	return yaml.MustParse(head +
		"        securityContext:\n          allowPrivilegeEscalation: false\n          capabilities: {drop: [ALL]}\n          readOnlyRootFilesystem: true\n" + platform +
		"        volumeMounts: [{name: tmp, mountPath: /tmp}]\n" +
		"      volumes: [{name: tmp, emptyDir: {}}]\n")
}

// TestRules holds every row of the documentation against the code.
func TestRules(t *testing.T) {
	rules := rulesOf(t, "../../docs/hardening.md")
	if len(rules) < 100 {
		t.Fatalf("only %d rules found", len(rules))
	}
	evaluator, err := NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.String(), func(t *testing.T) {
			config := configOf(t, "profile: "+string(r.profile)+", extras: {"+r.extra+"}")
			deployment := strictest(r.profile)
			at := slices.Concat(map[string][]string{
				"container":    {"spec", "template", "spec", "containers", "[name=manager]"},
				"pod":          {"spec", "template", "spec"},
				"pod template": {"spec", "template"},
			}[r.scope], strings.Split(r.field, "."))
			set(t, deployment, at, r.is)
			outcome := harden(config, deployment, evaluator)
			if outcome.err != nil {
				t.Fatal(outcome.err)
			}
			got := get(t, outcome.deployment, at)
			if want := normal(t, r.becomes); got != want {
				t.Errorf("becomes %s, want %s", got, want)
			}
			if said := worst(outcome.results); said != r.result {
				t.Errorf("result %q, want %q: %v", said, r.result, outcome.results)
			}
			about := strings.Join(at, ".")
			if r.extra == "runAsUser: Image" { // which sets two fields
				about = strings.TrimSuffix(strings.TrimSuffix(about, "User"), "Group")
			}
			for _, result := range outcome.results {
				if result.Field == nil || !strings.HasPrefix(result.Field.Path, about) {
					t.Errorf("a result is not about %s: %s", about, result)
				}
			}
		})
	}
}

// TestEveryFieldHasARule holds the documentation against the Kubernetes API: a
// field that a new version brings needs a row.
func TestEveryFieldHasARule(t *testing.T) {
	rules := rulesOf(t, "../../docs/hardening.md")
	for scope, context := range map[string]reflect.Type{
		"container": reflect.TypeFor[corev1.SecurityContext](), "pod": reflect.TypeFor[corev1.PodSecurityContext](),
	} {
		for i := range context.NumField() {
			name, _, _ := strings.Cut(context.Field(i).Tag.Get("json"), ",")
			if !slices.ContainsFunc(rules, func(r rule) bool { return r.scope == scope && r.field == "securityContext."+name }) {
				t.Errorf("no rule for %s securityContext.%s", scope, name)
			}
		}
	}
}

func set(t *testing.T, deployment *yaml.RNode, at []string, text string) {
	t.Helper()
	last := len(at) - 1
	if text == "absent" {
		parent, err := deployment.Pipe(yaml.Lookup(at[:last]...))
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.PipeE(yaml.Clear(at[last])); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := deployment.PipeE(yaml.LookupCreate(yaml.MappingNode, at[:last]...), yaml.SetField(at[last], yaml.MustParse(text))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, deployment *yaml.RNode, at []string) string {
	t.Helper()
	found, err := deployment.Pipe(yaml.Lookup(at...))
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		return "absent"
	}
	return normal(t, found.MustString())
}

// normal returns a value as JSON, which has one way to write it.
func normal(t *testing.T, text string) string {
	t.Helper()
	if text == "absent" {
		return text
	}
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%#v", v)
}

// worst returns the severest of results, or "".
func worst(results framework.Results) string {
	for _, severity := range []framework.Severity{framework.Error, framework.Warning, framework.Info} {
		if slices.ContainsFunc(results, func(r *framework.Result) bool { return r.Severity == severity }) {
			return string(severity)
		}
	}
	return ""
}
