package e2e

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// admitter compiles and runs admission policies with the code of the API server.
type admitter struct {
	t       *testing.T
	objects admission.ObjectInterfaces

	mutating mutatingPolicy
	matcher  matchconditions.Matcher
	patcher  patch.Patcher
	compile  *plugincel.CompositedCompiler

	// validating is empty where there is no such policy, actions are those of its
	// binding.
	validating    admissionv1.ValidatingAdmissionPolicy
	looksAt       matchconditions.Matcher
	validations   plugincel.ConditionEvaluator
	validationCtx *plugincel.CompositedCompiler
	actions       []admissionv1.ValidationAction
	// namespaces are what the bindings select.
	namespaces []string
}

// mutatingPolicy is what the policies of Kubernetes and of Kyverno have in common.
type mutatingPolicy struct {
	Kind string                                  `json:"kind"`
	Spec admissionv1.MutatingAdmissionPolicySpec `json:"spec"`
}

// newAdmitter reads the policies among the printed documents.
func newAdmitter(t *testing.T, printed string) *admitter {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	a := &admitter{t: t, objects: admission.NewObjectInterfacesFromScheme(scheme)}
	for _, document := range strings.Split(printed, "\n---\n") {
		var head struct {
			Kind string `json:"kind"`
		}
		a.read(document, &head, false)
		switch head.Kind {
		case "MutatingAdmissionPolicy":
			a.read(document, &admissionv1.MutatingAdmissionPolicy{}, true)
			a.read(document, &a.mutating, false)
			a.compileMutating()
		case "MutatingPolicy":
			a.read(document, &a.mutating, false)
			a.compileMutating()
		case "ValidatingAdmissionPolicy":
			a.read(document, &a.validating, true)
			a.compileValidating()
		case "ValidatingPolicy":
			a.read(document, &a.validating, false)
			a.compileValidating()
		case "MutatingAdmissionPolicyBinding":
			var binding admissionv1.MutatingAdmissionPolicyBinding
			a.read(document, &binding, true)
			a.bind(binding.Spec.MatchResources)
		case "ValidatingAdmissionPolicyBinding":
			var binding admissionv1.ValidatingAdmissionPolicyBinding
			a.read(document, &binding, true)
			a.actions = binding.Spec.ValidationActions
			a.bind(binding.Spec.MatchResources)
		}
	}
	return a
}

func (a *admitter) read(document string, into any, strict bool) {
	a.t.Helper()
	decode := yaml.UnmarshalStrict
	if !strict {
		decode = func(data []byte, into any, _ ...yaml.JSONOpt) error { return yaml.Unmarshal(data, into) }
	}
	if err := decode([]byte(document), into); err != nil {
		a.t.Fatalf("%v\n%s", err, document)
	}
}

func (a *admitter) bind(resources *admissionv1.MatchResources) {
	selector := resources.NamespaceSelector
	a.namespaces = nil
	if name, ok := selector.MatchLabels["kubernetes.io/metadata.name"]; ok {
		a.namespaces = append(a.namespaces, name)
	}
	for _, e := range selector.MatchExpressions {
		a.namespaces = append(a.namespaces, e.Values...)
	}
}

// compiler returns one for expressions that may use variables.
func (a *admitter) compiler(variables []admissionv1.Variable) *plugincel.CompositedCompiler {
	a.t.Helper()
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		a.t.Fatal(err)
	}
	var named []plugincel.NamedExpressionAccessor
	for _, v := range variables {
		named = append(named, &variable{v})
	}
	compiler.CompileAndStoreVariables(named, plugincel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	return compiler
}

// conditions compiles match conditions.
func (a *admitter) conditions(compiler *plugincel.CompositedCompiler, list []admissionv1.MatchCondition, failure *admissionv1.FailurePolicyType, kind string) matchconditions.Matcher {
	a.t.Helper()
	var conditions []plugincel.ExpressionAccessor
	for i := range list {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&list[i]))
	}
	evaluator := compiler.CompileCondition(conditions, plugincel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	if errs := evaluator.CompilationErrors(); len(errs) > 0 {
		a.t.Fatal(errs)
	}
	return matchconditions.NewMatcher(evaluator, failure, "policy", kind, "policy")
}

func (a *admitter) compileMutating() {
	a.t.Helper()
	spec := a.mutating.Spec
	a.compile = a.compiler(spec.Variables)
	a.matcher = a.conditions(a.compile, spec.MatchConditions, spec.FailurePolicy, "mutate")
	mutator := a.compile.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: spec.Mutations[0].JSONPatch.Expression},
		plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasPatchTypes: true}, environment.StoredExpressions)
	if errs := mutator.CompilationErrors(); len(errs) > 0 {
		a.t.Fatal(errs)
	}
	a.patcher = patch.NewJSONPatcher(mutator)
}

func (a *admitter) compileValidating() {
	a.t.Helper()
	spec := a.validating.Spec
	a.validationCtx = a.compiler(spec.Variables)
	var expressions []plugincel.ExpressionAccessor
	for _, v := range spec.Validations {
		expressions = append(expressions, &matchconditions.MatchCondition{Name: v.Message, Expression: v.Expression})
	}
	a.validations = a.validationCtx.CompileCondition(expressions, plugincel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	if errs := a.validations.CompilationErrors(); len(errs) > 0 {
		a.t.Fatal(errs)
	}
	a.looksAt = a.conditions(a.validationCtx, spec.MatchConditions, spec.FailurePolicy, "validate")
}

type variable struct{ admissionv1.Variable }

func (v *variable) GetExpression() string { return v.Expression }
func (v *variable) GetName() string       { return v.Name }

// ReturnTypes is that of a variable: anything.
func (v *variable) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType, cel.DynType} }

func (a *admitter) attributes(d *appsv1.Deployment) *admission.VersionedAttributes {
	kind, resource := appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithResource("deployments")
	attributes := admission.NewAttributesRecord(d, nil, kind, d.Namespace, d.Name, resource, "", admission.Create, nil, false, nil)
	return &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: admission.NewLazyObject(d)}
}

// admit returns the Deployment as it would be stored, and whether the policy was
// about it.
func (a *admitter) admit(d *appsv1.Deployment) (*appsv1.Deployment, bool) {
	a.t.Helper()
	versioned := a.attributes(d)
	matched := a.matcher.Match(a.t.Context(), versioned, nil, nil)
	if matched.Error != nil {
		a.t.Fatalf("%s: %v", d.Name, matched.Error)
	}
	if !matched.Matches {
		return d, false
	}
	request := patch.Request{
		MatchedResource: appsv1.SchemeGroupVersion.WithResource("deployments"), VersionedAttributes: versioned, ObjectInterfaces: a.objects,
		Namespace: &corev1.Namespace{},
	}
	after, err := a.patcher.Patch(a.compile.CreateContext(a.t.Context()), request, celconfig.RuntimeCELCostBudget)
	if err != nil {
		a.t.Fatalf("%s: %v", d.Name, err)
	}
	deployment, ok := after.(*appsv1.Deployment)
	if !ok {
		a.t.Fatalf("%T", after)
	}
	return deployment, true
}

// refusal returns what the ValidatingAdmissionPolicy says against a Deployment, or "".
func (a *admitter) refusal(d *appsv1.Deployment) string {
	a.t.Helper()
	versioned := a.attributes(d)
	matched := a.looksAt.Match(a.t.Context(), versioned, nil, nil)
	if matched.Error != nil {
		a.t.Fatalf("%s: %v", d.Name, matched.Error)
	}
	if !matched.Matches {
		return ""
	}
	request := plugincel.CreateAdmissionRequest(versioned.Attributes, metav1.GroupVersionResource{}, metav1.GroupVersionKind{})
	results, _, err := a.validations.ForInput(a.validationCtx.CreateContext(a.t.Context()), versioned, request, plugincel.OptionalVariableBindings{}, &corev1.Namespace{}, celconfig.RuntimeCELCostBudget)
	if err != nil {
		a.t.Fatal(err)
	}
	var said []string
	for i, result := range results {
		if result.Error != nil {
			a.t.Fatalf("%s: %v", d.Name, result.Error)
		}
		if result.EvalResult != types.True {
			said = append(said, a.validating.Spec.Validations[i].Message)
		}
	}
	return strings.Join(said, "\n")
}
