package hardening

import (
	"testing"

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
	results    krm.Findings
	err        error
}

// hardenBy hardens a copy of a Deployment whose first container is a controller, by
// some of the rules, and judges it.
func hardenBy(rules []rule, config *v1alpha1.SecurityContext, deployment *yaml.RNode) hardened {
	o := krm.NewObject(deployment.YNode(), nil)
	template := o.Edit().Get("spec", "template")
	h := hardened{results: Pod{Template: template, Config: config, Controllers: []int{0}}.apply(rules)}
	h.changed, h.deployment = o.Changed(), yaml.NewRNode(o.After().Node)
	if h.err = o.Err(); h.err != nil {
		return h
	}
	verdict, err := judgeBy(rules, template, config)
	if h.err = err; err == nil {
		h.results = append(h.results, verdict.Findings(o, krm.Warning)...)
	}
	return h
}

func harden(config *v1alpha1.SecurityContext, deployment *yaml.RNode) hardened {
	return hardenBy(rules(), config, deployment)
}
