package hardening

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// strict is a container in which there is nothing to do, but for what a test adds.
const strict = `- name: manager
  image: registry.example.com/fluxcd/source-controller:v1.9.6
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  volumeMounts: [{name: tmp, mountPath: /tmp}]
`

// strictOnOpenShift leaves to the platform what is the platform's.
const strictOnOpenShift = `- name: manager
  image: registry.example.com/fluxcd/source-controller:v1.9.6
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
  volumeMounts: [{name: tmp, mountPath: /tmp}]
`

// problems hardens the pod by some of the rules, and returns what is not as it should
// be.
func (c podCase) problems(t *testing.T, rules []rule) []string {
	t.Helper()
	deployment := inDeployment(t, c.pod, "")
	got := hardenBy(rules, configOf(t, c.config), deployment)
	if got.err != nil {
		return []string{got.err.Error()}
	}
	var found []string
	after := podOf(t, got.deployment)
	for _, line := range c.becomes {
		want := !strings.HasPrefix(line, "!")
		if strings.Contains(after, strings.TrimPrefix(line, "!")) != want {
			found = append(found, fmt.Sprintf("in the pod there is %q: %t\n%s", line, !want, after))
		}
	}
	before := yaml.NewRNode(krm.NewObject(deployment.YNode(), nil).Before.Node) // without merge keys
	if got.changed != (got.deployment.MustString() != before.MustString()) {
		found = append(found, fmt.Sprintf("changed is %t\n%s", got.changed, after))
	}
	return append(found, c.compare(got.results)...)
}

// compare wants each result once, and no other unless … says so.
func (c podCase) compare(results krm.Findings) []string {
	var got, problems []string
	for _, r := range results {
		got = append(got, strings.TrimPrefix(r.Path, "spec.template.spec")+" "+r.Message)
	}
	rest := slices.Clone(got)
	for _, w := range c.results {
		i := slices.IndexFunc(rest, func(g string) bool {
			return strings.HasPrefix(g, w) || !strings.HasPrefix(w, ".") && strings.Contains(g, w)
		})
		switch {
		case w == "…":
		case i < 0:
			problems = append(problems, fmt.Sprintf("no result %q in\n%s", w, strings.Join(got, "\n")))
		default:
			rest = slices.Delete(rest, i, i+1)
		}
	}
	if len(rest) > 0 && !slices.Contains(c.results, "…") {
		problems = append(problems, "nobody expects\n"+strings.Join(rest, "\n"))
	}
	return problems
}

func TestPods(t *testing.T) {
	for _, c := range podCases() {
		t.Run(c.name, func(t *testing.T) {
			for _, problem := range c.problems(t, rules()) {
				t.Error(problem)
			}
		})
	}
}

func TestAppArmorAnnotationStays(t *testing.T) {
	deployment := inDeployment(t, "containers:\n"+strict, "metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/manager: runtime/default}}")
	got := harden(configOf(t, "extras: {appArmorProfile: RuntimeDefault}"), deployment)
	if got.err != nil || got.changed {
		t.Errorf("changed: %t, %v", got.changed, got.err)
	}
	for _, problem := range (podCase{results: []string{".securityContext.appArmorProfile not set: the annotation"}}).compare(got.results) {
		t.Error(problem)
	}
}

// each repeats a text with different values in one place of it.
func each(text, place, format string, values ...string) string {
	var out strings.Builder
	for i, v := range values {
		one := strings.Replace(text, place, fmt.Sprintf(format, v), 1)
		one = strings.Replace(one, "name: v,", fmt.Sprintf("name: v%d,", i), 1)
		out.WriteString(strings.Replace(one, "name: manager", fmt.Sprintf("name: c%d", i), 1))
	}
	return out.String()
}

// inDeployment puts a pod into a Deployment, with more fields of the pod template.
func inDeployment(t *testing.T, pod, template string) *yaml.RNode {
	t.Helper()
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\nspec:\n  template:\n    " + template + "\n    spec:\n      " +
		strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n      ") + "\n"
	node, err := yaml.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return node
}

func podOf(t *testing.T, deployment *yaml.RNode) string {
	t.Helper()
	pod, err := deployment.Pipe(yaml.Lookup("spec", "template", "spec"))
	if err != nil {
		t.Fatal(err)
	}
	return pod.MustString()
}

// TestTakenVolume: the volume for /tmp is not one of somebody else's.
func TestTakenVolume(t *testing.T) {
	pod := "containers:\n" + strings.Replace(strict, "mountPath: /tmp", "mountPath: /data", 1) + "volumes: [{name: flux-trust-tmp, hostPath: {path: /tmp}}]\n"
	got := harden(configOf(t, ""), inDeployment(t, pod, ""))
	const want = "spec.template.spec.volumes.[name=flux-trust-tmp]: a volume of this name exists and is not an emptyDir; rename it"
	if got.err == nil || got.err.Error() != want {
		t.Error(got.err)
	}
}
