package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// The tests of this file build with the code that kustomize-controller runs.

// fluxBuild builds a folder as kustomize-controller does, with a Flux Kustomization
// of some spec: its patches, and its substitution over the result.
func fluxBuild(t *testing.T, dir, spec string) (string, error) {
	t.Helper()
	var object map[string]any
	text := "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: flux-system, namespace: flux-system}\n" + spec
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	kustomization := unstructured.Unstructured{Object: object}
	if _, err := fluxkustomize.NewGenerator(dir, kustomization).WriteFile(dir); err != nil {
		return "", err
	}
	resources, err := fluxkustomize.SecureBuild(dir, dir, false)
	if err != nil {
		return "", err
	}
	for _, r := range resources.Resources() {
		substituted, err := fluxkustomize.SubstituteVariables(t.Context(), nil, kustomization, r, fluxkustomize.SubstituteWithDryRun(true))
		if err != nil {
			return "", err
		}
		if substituted != nil {
			if _, err := resources.Replace(substituted); err != nil {
				return "", err
			}
		}
	}
	out, err := resources.AsYaml()
	return string(out), err
}

const substitution = "  postBuild: {substitute: {cluster: prod, RUNTIME_NAMESPACE: wrong, SSL_CERT_DIR: wrong}}\n"

// TestFluxBuildsPatches: the patched kustomization, and a Flux Kustomization with
// the patches, build and substitute to what the function gives.
func TestFluxBuildsPatches(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	program(t, "KUSTOMIZE")
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), ""), manifest)
	want := b.byFunction()

	t.Run("kustomization", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "flux-system")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "gotk-components.yaml"), manifest)
		kustomization := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- gotk-components.yaml\n"
		write(t, filepath.Join(dir, "kustomization.yaml"), kustomization)
		b.ok(function, "patches", "config.yaml", "--write", dir)
		got, err := fluxBuild(t, dir, "spec:\n"+substitution)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "kustomize-controller", got, want)
	})
	t.Run("Flux Kustomization", func(t *testing.T) {
		printed := b.ok(function, "patches", "config.yaml", "-o", "flux-kustomization")
		spec, objects, _ := strings.Cut(printed, "\n---\n")
		dir := t.TempDir()
		for name, text := range map[string]string{"flux.yaml": manifest, "objects.yaml": objects} {
			write(t, filepath.Join(dir, name), text)
		}
		got, err := fluxBuild(t, dir, spec+"\n"+substitution)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "kustomize-controller", got, want)
	})
}

// TestFluxRefusesFunctions: the reason that the README shows.
func TestFluxRefusesFunctions(t *testing.T) {
	_, err := fluxBuild(t, copyExample(t, "quickstart"), "spec: {}\n")
	const want = "external plugins disabled; unable to load external plugin 'FluxTrust'"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if !strings.Contains(read(t, "../README.md"), want) && !strings.Contains(read(t, "../docs/troubleshooting.md"), want) {
		t.Errorf("the documentation does not show: %s", want)
	}
}

// TestFilterKeepsPlaceholders: what Flux substitutes comes through the filter, and
// the function adds nothing that Flux would substitute.
func TestFilterKeepsPlaceholders(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	manifest := strings.ReplaceAll(read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")),
		"imagePullPolicy: IfNotPresent", "imagePullPolicy: ${policy:=IfNotPresent} # $${escaped} ${open")
	if !strings.Contains(manifest, "${policy") {
		t.Fatal("no placeholder")
	}
	b := newBuild(t, inline(newAuthority(t, "root").pem(), ""), manifest)
	got := b.ok(function, "config.yaml", "flux.yaml")
	if strings.Count(got, "${") != strings.Count(manifest, "${") || strings.Count(got, "$${escaped}") != strings.Count(manifest, "$${escaped}") {
		t.Error("placeholders were added or lost")
	}
}
