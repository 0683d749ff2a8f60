package transformer

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// Each test here first shows what kyaml's own functions make of a manifest from
// the wild, and then that the function does better. When a first half fails, a
// new kyaml has lost the trap and the code around it may go.

const deploymentHead = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: source-controller
spec:
  selector: {}
  template:
    spec:
`

const managerHead = deploymentHead + `      containers:
      - name: manager
        image: registry.example.com/fluxcd/source-controller:v1.9.6
`

func transformed(t *testing.T, input string) string {
	t.Helper()
	config, err := v1alpha1.Parse("test", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\n"+
		"metadata: {name: test}\nspec: {caBundle: [{configMap: {name: corp-ca}}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	outcome := Run(config, []Resource{{Node: yaml.MustParse(input)}}, time.Time{})
	if outcome.Failed() {
		t.Fatal(outcome.Results())
	}
	return outcome.Items[0].MustString()
}

func wantLine(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line+"\n") {
		t.Errorf("no line %q in\n%s", line, text)
	}
}

func TestTrapLookupCreateThroughNull(t *testing.T) {
	input := managerHead + "        securityContext: null\n      volumes: null\n"
	resource := yaml.MustParse(input)
	err := resource.PipeE(yaml.LookupCreate(yaml.SequenceNode, "spec", "template", "spec", "volumes"), yaml.Append(yaml.NewStringRNode("x").YNode()))
	if got := resource.MustString(); err == nil && got != input {
		t.Errorf("kyaml now writes through a null:\n%s", got)
	}
	got := transformed(t, input)
	wantLine(t, got, "          allowPrivilegeEscalation: false")
	wantLine(t, got, "      - name: flux-trust-ca")
}

func TestTrapSetFieldKeepsQuotes(t *testing.T) {
	input := managerHead + "        securityContext:\n          allowPrivilegeEscalation: \"true\"\n"
	resource := yaml.MustParse(input)
	if err := resource.PipeE(yaml.Lookup("spec", "template", "spec", "containers", "[name=manager]", "securityContext"),
		yaml.SetField("allowPrivilegeEscalation", yaml.NewScalarRNode("false"))); err != nil {
		t.Fatal(err)
	}
	if got := resource.MustString(); !strings.Contains(got, `allowPrivilegeEscalation: "false"`) {
		t.Errorf("kyaml no longer keeps the quotes:\n%s", got)
	}
	wantLine(t, transformed(t, input), "          allowPrivilegeEscalation: false")
}

func TestTrapUntaggedScalarIsQuoted(t *testing.T) {
	resource := yaml.MustParse("a: {}\n")
	if err := resource.PipeE(yaml.SetField("b", yaml.NewStringRNode("true"))); err != nil {
		t.Fatal(err)
	}
	wantLine(t, resource.MustString(), `b: "true"`)
	wantLine(t, transformed(t, managerHead), "          runAsNonRoot: true")
}

func TestTrapAliases(t *testing.T) {
	input := deploymentHead + `      initContainers:
      - name: wait
        securityContext: &sc {runAsNonRoot: true}
      containers:
      - name: manager
        image: registry.example.com/fluxcd/source-controller:v1.9.6
        securityContext: *sc
`
	resource := yaml.MustParse(input)
	err := resource.PipeE(yaml.Lookup("spec", "template", "spec", "containers", "[name=manager]", "securityContext"),
		yaml.SetField("readOnlyRootFilesystem", yaml.NewScalarRNode("true")))
	if err == nil {
		t.Errorf("kyaml now edits behind an alias:\n%s", resource.MustString())
	}
	got := transformed(t, input)
	if n := strings.Count(got, "readOnlyRootFilesystem: true"); n != 1 {
		t.Errorf("the read-only root file system is set in %d containers, want the manager alone:\n%s", n, got)
	}
}

// The function appends, because what kyaml prepends to a list can take the
// comment above the first entry along.
func TestTrapComments(t *testing.T) {
	got := transformed(t, managerHead+`        env: # of the manager
        # first of all
        - name: A
          value: "1" # one
`)
	wantLine(t, got, "        env: # of the manager\n        # first of all\n        - name: A\n          value: \"1\" # one\n        - name: SSL_CERT_DIR")
}

func TestTrapGettersPanic(t *testing.T) {
	list := yaml.MustParse("- op: add\n- op: remove\n- op: test\n")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("kyaml's getters no longer panic on a list")
			}
		}()
		_ = list.GetKind()
	}()
	config := &v1alpha1.FluxTrust{Spec: v1alpha1.Spec{OnNoControllers: v1alpha1.Ignore}}
	if outcome := Run(config, []Resource{{Node: list}}, time.Time{}); outcome.Failed() || outcome.Items[0] != list {
		t.Errorf("a list is not passed through: %v", outcome.Results())
	}
}

func TestAliasBombEndsWithAnError(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n  labels: {app.kubernetes.io/component: source-controller, app.kubernetes.io/part-of: flux}\na0: &a0 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n")
	for i, c := range "123456789" {
		previous := string("0123456789"[i])
		bomb.WriteString("a" + string(c) + ": &a" + string(c) + " [" + strings.Repeat("*a"+previous+", ", 10) + "]\n")
	}
	bomb.WriteString("spec: {template: {spec: {containers: [{name: manager}]}}}\n")
	config := &v1alpha1.FluxTrust{Spec: v1alpha1.Spec{OnNoControllers: v1alpha1.Ignore}}
	outcome := Run(config, []Resource{{Node: yaml.MustParse(bomb.String())}}, time.Time{})
	if !outcome.Failed() || !strings.Contains(outcome.Results()[0].Message, "more than 100000 values") {
		t.Errorf("got %v", outcome.Results())
	}
}
