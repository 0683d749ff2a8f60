package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestKustomizationOverride builds what Terraform's flux_bootstrap_git is given in
// docs/managed-flux.md: it equals what the function gives.
func TestKustomizationOverride(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	flux := read(t, filepath.Join(examples, "bootstrap/flux-system/gotk-components.yaml"))
	config := read(t, filepath.Join(examples, "bootstrap/functionconfig.yaml"))
	b := newBuild(t, config, flux)
	b.write("gotk-components.yaml", flux)
	b.write("gotk-sync.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sync, namespace: flux-system}\n")
	patches := b.ok(function, "patches", "config.yaml", "-o", "kustomization")
	if strings.Contains(patches, "\n---\n") {
		t.Fatal("more than a kustomization")
	}
	built := b.kustomize("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [gotk-components.yaml, gotk-sync.yaml]\n" + patches)
	b.write("config.yaml", strings.Replace(config, "keys: [Company-Root-CA.crt]}", "keys: [Company-Root-CA.crt]}\n    allow: [NotInStream]", 1))
	equal(t, "the override", built, b.ok(function, "config.yaml", "gotk-components.yaml", "gotk-sync.yaml"))
}
