package kustomization

import (
	"strings"
	"testing"
)

// TestBuildErrors: what kustomize says is said once, with the folder that it is about.
func TestBuildErrors(t *testing.T) {
	for name, tc := range map[string]struct{ kustomization, base, want string }{
		"a patch that is not there": {"resources: [base]\npatches: [{path: nope.yaml}]\n", "resources: [dep.yaml]\n", "PatchTransformer: failed to get the patch file from path(nope.yaml)"},
		"a patch that fails": {
			"resources: [base]\n", "resources: [dep.yaml]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/none/x\n      value: 1\n",
			"/base: replace operation does not apply: doc is missing path: /spec/none/x",
		},
		"twice": {"resources: [base, base]\n", "resources: [dep.yaml]\n", "/base: may not add resource with an already registered id"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"kustomization.yaml": tc.kustomization, "base/kustomization.yaml": tc.base, "base/dep.yaml": deployment("source-controller"), "ca.crt": newRoot(t, "root"),
			})
			_, err := reconciled(t, parseConfig(t, fromFile), Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "recursed") || strings.Contains(err.Error(), "is a directory") || strings.Contains(err.Error(), "with config") {
				t.Errorf("got %v", err)
			}
		})
	}
}
