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
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// row is one of the tables in docs/hardening.md.
type row struct {
	profile v1alpha1.Profile
	// extra is a field under securityContext.extras, or "".
	extra string
	// scope is container, pod or pod template.
	scope, field string
	// is and becomes are YAML, or absent.
	is, becomes string
	// result is a severity, or "" when nothing is said.
	result string
	// rule is its id.
	rule string
	// controller is set on rows that apply to controllers alone.
	controller bool
}

func (r row) String() string {
	return strings.Trim(fmt.Sprintf("%s %s %s.%s: %s", r.profile, r.extra, r.scope, r.field, r.is), " ")
}

// rowsOf reads the tables. An empty cell of a leading column stands for the one
// above.
func rowsOf(t *testing.T, file string) []row {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	var table, extra, field, rule string
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
			table, extra, field, rule = cells[0], "", "", ""
			continue
		case table == "" || strings.HasPrefix(cells[0], "---"):
			continue
		case table == "extra":
			extra = cmp.Or(code(cells[0]), extra)
			cells = cells[1:]
		}
		if cells[0] != "" {
			field, rule = cells[0], ""
			if table == "extra" {
				name, _, _ := strings.Cut(extra, ":")
				rule = "extras." + name
			}
		}
		scope, _, _ := strings.Cut(field, " `")
		r := row{
			profile: v1alpha1.Restricted, extra: extra, scope: scope, field: code(field), is: yamlOf(cells[1]), becomes: yamlOf(cells[2]), result: cells[3],
			controller: strings.Contains(field, "(controllers only)"),
		}
		if table == "field" {
			rule = cmp.Or(code(cells[5]), rule)
		}
		r.rule = rule
		rows = append(rows, r)
		if table == "extra" {
			continue
		}
		r.profile = v1alpha1.OpenShift
		if cells[4] != "same" {
			becomes, result, _ := strings.Cut(cells[4], ", ")
			r.becomes, r.result = yamlOf(becomes), result
		}
		rows = append(rows, r)
	}
	return rows
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
		"      initContainers:\n      - name: init\n        image: corp/init:1\n        securityContext:\n          allowPrivilegeEscalation: false\n          capabilities: {drop: [ALL]}\n" + platform +
		"      volumes: [{name: tmp, emptyDir: {}}]\n")
}

// problems hardens a pod in which the row stands at the controller or the pod, or at
// the init container, by some of the rules, and returns what is not as it should be.
func (r row) problems(t *testing.T, rules []rule, container string) []string {
	t.Helper()
	config := configOf(t, "profile: "+string(r.profile)+", extras: {"+r.extra+"}")
	deployment := strictest(r.profile)
	at := slices.Concat(map[string][]string{
		"container":    {"spec", "template", "spec", map[string]string{"init": "initContainers", "manager": "containers"}[container], "[name=" + container + "]"},
		"pod":          {"spec", "template", "spec"},
		"pod template": {"spec", "template"},
	}[r.scope], strings.Split(r.field, "."))
	set(t, deployment, at, r.is)
	outcome := hardenBy(rules, config, deployment)
	if outcome.err != nil {
		return []string{outcome.err.Error()}
	}
	var found []string
	if got, want := get(t, outcome.deployment, at), normal(t, r.becomes); got != want {
		found = append(found, fmt.Sprintf("becomes %s, want %s", got, want))
	}
	asWell := func(f krm.Finding) bool { return f.Code == codes.HardenedAsWell }
	if got, want := slices.ContainsFunc(outcome.results, asWell), container == "init" && outcome.changed && r.rule != "runAsGroup"; got != want {
		found = append(found, fmt.Sprintf("hardened as well is told: %t, want %t", got, want))
	}
	results := slices.DeleteFunc(outcome.results, asWell)
	if said := worst(results); said != r.result {
		found = append(found, fmt.Sprintf("result %q, want %q: %v", said, r.result, results))
	}
	about := strings.Join(at, ".")
	if r.extra == "runAsUser: Image" { // which sets two fields
		about = strings.TrimSuffix(strings.TrimSuffix(about, "User"), "Group")
	}
	for _, result := range results {
		if !strings.HasPrefix(result.Path, about) {
			found = append(found, fmt.Sprintf("a result is not about %s: %v", about, result))
		}
	}
	return found
}

// containersOf returns the containers in which a row is tried.
func (r row) containersOf() []string {
	if r.scope == "container" && !r.controller {
		return []string{"manager", "init"}
	}
	return []string{"manager"}
}

// TestRules holds every row of the documentation against the code.
func TestRules(t *testing.T) {
	rows := rowsOf(t, "../../docs/hardening.md")
	if len(rows) < 100 {
		t.Fatalf("only %d rules found", len(rows))
	}
	for _, r := range rows {
		for _, container := range r.containersOf() {
			t.Run(r.String()+" in "+container, func(t *testing.T) {
				for _, problem := range r.problems(t, rules(), container) {
					t.Error(problem)
				}
			})
		}
	}
}

// TestEveryRuleIsTested takes each rule out, one step at a time: a test of its own
// must see it.
func TestEveryRuleIsTested(t *testing.T) {
	rows := rowsOf(t, "../../docs/hardening.md")
	for i, r := range rules() {
		for step, without := range steps(r) {
			table := rules()
			table[i] = without
			t.Run(string(r.id)+" "+step, func(t *testing.T) {
				own := func(id string, profile v1alpha1.Profile) bool {
					return id == string(r.id) || id == anyRule || r.id == "platform" && profile == v1alpha1.OpenShift
				}
				for _, row := range rows {
					for _, container := range row.containersOf() {
						if own(row.rule, row.profile) && len(row.problems(t, table, container)) > 0 {
							return
						}
					}
				}
				for _, c := range podCases() {
					if own(c.rule, "") && len(c.problems(t, table)) > 0 {
						return
					}
				}
				t.Error("no test fails without it")
			})
		}
	}
}

// steps returns a rule without each of its steps.
func steps(r rule) map[string]rule {
	found := map[string]rule{}
	for name, s := range map[string]scope{"of pods": pods, "of controllers": controllers, "of other containers": others} {
		if without := r; r.scope&s != 0 {
			without.scope &^= s
			found[name] = without
		}
	}
	if without := r; r.finish != nil {
		without.finish = nil
		found["at the end"] = without
	}
	if without := r; r.left != nil {
		without.left = nil
		found["of what is left"] = without
	}
	if without := r; r.when != nil {
		without.when = nil
		found["for every config"] = without
	}
	if without := r; r.left == nil {
		without.windows = !r.windows
		found["of Windows"] = without
	}
	return found
}

// TestEveryCheckHasARule: the evaluator's checks and the rules have the same ids.
func TestEveryCheckHasARule(t *testing.T) {
	for _, c := range checks() {
		if !slices.ContainsFunc(rules(), func(r rule) bool { return r.id == c.id }) {
			t.Errorf("the check %s has no rule", c.id)
		}
	}
}

// TestEveryFieldHasARule holds the documentation against the Kubernetes API: a
// field that a new version brings needs a row.
func TestEveryFieldHasARule(t *testing.T) {
	rows := rowsOf(t, "../../docs/hardening.md")
	for scope, context := range map[string]reflect.Type{
		"container": reflect.TypeFor[corev1.SecurityContext](), "pod": reflect.TypeFor[corev1.PodSecurityContext](),
	} {
		for i := range context.NumField() {
			name, _, _ := strings.Cut(context.Field(i).Tag.Get("json"), ",")
			if !slices.ContainsFunc(rows, func(r row) bool { return r.scope == scope && r.field == "securityContext."+name }) {
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
func worst(results krm.Findings) string {
	for _, severity := range []krm.Severity{krm.Error, krm.Warning, krm.Info} {
		if slices.ContainsFunc(results, func(r krm.Finding) bool { return r.Severity == severity }) {
			return string(severity)
		}
	}
	return ""
}
