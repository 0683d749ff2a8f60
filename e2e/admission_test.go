package e2e

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// The tests of this file compile and run the admission policy with the code of the
// API server.

// admitter applies a MutatingAdmissionPolicy to Deployments.
type admitter struct {
	t       *testing.T
	policy  admissionv1.MutatingAdmissionPolicy
	matcher matchconditions.Matcher
	patcher patch.Patcher
	compile *plugincel.CompositedCompiler
	objects admission.ObjectInterfaces
}

func newAdmitter(t *testing.T, printed string) *admitter {
	t.Helper()
	a := &admitter{t: t}
	text, _, _ := strings.Cut(printed, "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(text), &a.policy); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	a.objects = admission.NewObjectInterfacesFromScheme(scheme)
	var err error
	if a.compile, err = plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())); err != nil {
		t.Fatal(err)
	}
	options := plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
	var variables []plugincel.NamedExpressionAccessor
	for _, v := range a.policy.Spec.Variables {
		variables = append(variables, &variable{v})
	}
	a.compile.CompileAndStoreVariables(variables, options, environment.StoredExpressions)
	var conditions []plugincel.ExpressionAccessor
	for i := range a.policy.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&a.policy.Spec.MatchConditions[i]))
	}
	evaluator := a.compile.CompileCondition(conditions, options, environment.StoredExpressions)
	if errs := evaluator.CompilationErrors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	a.matcher = matchconditions.NewMatcher(evaluator, a.policy.Spec.FailurePolicy, "policy", "mutate", a.policy.Name)
	options.HasPatchTypes = true
	mutator := a.compile.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: a.policy.Spec.Mutations[0].JSONPatch.Expression}, options, environment.StoredExpressions)
	if errs := mutator.CompilationErrors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	a.patcher = patch.NewJSONPatcher(mutator)
	return a
}

type variable struct{ admissionv1.Variable }

func (v *variable) GetExpression() string { return v.Expression }
func (v *variable) GetName() string       { return v.Name }

// ReturnTypes is that of a variable: anything.
func (v *variable) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType, cel.DynType} }

// admit returns the Deployment as it would be stored, and whether the policy was
// about it.
func (a *admitter) admit(d *appsv1.Deployment) (*appsv1.Deployment, bool) {
	a.t.Helper()
	kind, resource := appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithResource("deployments")
	attributes := admission.NewAttributesRecord(d, nil, kind, d.Namespace, d.Name, resource, "", admission.Create, nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: admission.NewLazyObject(d)}
	matched := a.matcher.Match(a.t.Context(), versioned, nil, nil)
	if matched.Error != nil {
		a.t.Fatal(matched.Error)
	}
	if !matched.Matches {
		return d, false
	}
	request := patch.Request{
		MatchedResource: resource, VersionedAttributes: versioned, ObjectInterfaces: a.objects,
		Namespace: &corev1.Namespace{},
	}
	ctx := a.compile.CreateContext(a.t.Context())
	after, err := a.patcher.Patch(ctx, request, math.MaxInt64)
	if err != nil {
		a.t.Fatalf("%s: %v", d.Name, err)
	}
	deployment, ok := after.(*appsv1.Deployment)
	if !ok {
		a.t.Fatalf("%T", after)
	}
	return deployment, true
}

// TestAdmissionPolicy applies the policy to the controllers of a release: what is
// stored is what the function gives, also when it is applied a second time.
func TestAdmissionPolicy(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	for _, file := range append([]string{filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")}, corpusIfAny(t, "gotk/*v2.9.4.yaml")...) {
		b := newBuild(t, inline(newAuthority(t, "root").pem(), "  securityContext: {profile: None}\n"), read(t, file))
		policy := newAdmitter(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"))
		want := deployments(t, b.ok(function, "config.yaml", "flux.yaml"))
		for name, before := range deployments(t, read(t, file)) {
			after, matched := policy.admit(before)
			if !matched {
				t.Errorf("%s is not matched", name)
				continue
			}
			again, _ := policy.admit(after)
			equal(t, "the policy", asYAML(t, after), asYAML(t, want[name]))
			equal(t, "the policy again", asYAML(t, again), asYAML(t, after))

			lookalike := before.DeepCopy()
			lookalike.Labels = map[string]string{"app.kubernetes.io/part-of": "tenant"}
			if _, matched := policy.admit(lookalike); matched {
				t.Errorf("a Deployment of the name %s of somebody else is matched", name)
			}
			own := before.DeepCopy()
			own.Spec.Template.Spec.Containers[0].Env = append(own.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "SSL_CERT_DIR", Value: "/roots"})
			if _, matched := policy.admit(own); matched {
				t.Errorf("%s has roots of its own, which would be lost", name)
			}
		}
	}
}

// TestAdmissionRefusal compiles what refuses a controller without the roots.
func TestAdmissionRefusal(t *testing.T) {
	b := newBuild(t, inline(newAuthority(t, "root").pem(), ""), "")
	documents := strings.Split(b.ok(program(t, "FLUX_TRUST"), "patches", "config.yaml", "-o", "admission-policy"), "\n---\n")
	var policy admissionv1.ValidatingAdmissionPolicy
	if err := yaml.UnmarshalStrict([]byte(documents[2]), &policy); err != nil {
		t.Fatal(err)
	}
	compiler := plugincel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	conditions := []plugincel.ExpressionAccessor{(*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[0])}
	for _, v := range policy.Spec.Validations {
		conditions = append(conditions, &matchconditions.MatchCondition{Name: "validation", Expression: v.Expression})
	}
	evaluator := compiler.CompileCondition(conditions, plugincel.OptionalVariableDeclarations{}, environment.StoredExpressions)
	if errs := evaluator.CompilationErrors(); len(errs) > 0 || len(conditions) < 2 {
		t.Error(errs)
	}
}

func deployments(t *testing.T, stream string) map[string]*appsv1.Deployment {
	t.Helper()
	found := map[string]*appsv1.Deployment{}
	for _, document := range strings.Split("\n"+stream, "\n---\n") {
		if !strings.Contains("\n"+document, "\nkind: Deployment\n") {
			continue
		}
		d := &appsv1.Deployment{}
		if err := yaml.Unmarshal([]byte(document), d); err != nil {
			t.Fatal(err)
		}
		found[d.Name] = d
	}
	if len(found) == 0 {
		t.Fatal("no Deployments")
	}
	return found
}

func asYAML(t *testing.T, d *appsv1.Deployment) string {
	t.Helper()
	out, err := yaml.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
