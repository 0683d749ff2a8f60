package hardening

import (
	"testing"

	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// configOf returns a config with its defaults; text is what stands between the
// braces of securityContext.
func configOf(t *testing.T, text string) *v1alpha1.SecurityContext {
	t.Helper()
	config, err := v1alpha1.Parse("test", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: test}\nspec: {mount: {method: None}, securityContext: {"+text+"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &config.Spec.SecurityContext
}

// hardened is what comes of a Deployment.
type hardened struct {
	deployment *yaml.RNode
	changed    bool
	results    framework.Results
	err        error
}

// harden hardens a copy of a Deployment whose first container is a controller, and
// judges it.
func harden(config *v1alpha1.SecurityContext, deployment *yaml.RNode, evaluator policy.Evaluator) hardened {
	var h hardened
	h.deployment = deployment.Copy()
	root := krm.Field{Node: h.deployment.YNode()}
	p := &Pod{Editor: &krm.Editor{}, Report: krm.Report{Results: &h.results}.Of(root, nil), Config: config, Controllers: []int{0}}
	if p.Template, h.err = root.AtE("spec", "template"); h.err != nil {
		return h
	}
	if p.Spec, h.err = p.Template.GetE("spec"); h.err != nil {
		return h
	}
	if h.err = p.Harden(); h.err == nil {
		_, h.err = p.Judge(evaluator)
	}
	h.changed = p.Changed
	return h
}
