package transformer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// ran returns what a run makes of documents, and what it warns of.
func ran(t *testing.T, spec string, documents ...string) (texts []string, found krm.Findings) {
	t.Helper()
	config, err := v1alpha1.Parse("c.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corp}\nspec:\n"+spec))
	if err != nil {
		t.Fatal(err)
	}
	var resources []Resource
	for _, document := range documents {
		n, err := yaml.Parse(document)
		if err != nil {
			t.Fatal(err)
		}
		resources = append(resources, Resource{Node: n})
	}
	o := Run(config, resources, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	for _, f := range o.Findings {
		if f.Severity != krm.Info {
			found = append(found, f)
		}
	}
	for _, item := range o.Items {
		texts = append(texts, item.MustString())
	}
	return texts, found
}

const unjudged = "  caBundle: [{configMap: {name: ca, keys: [ca.crt]}, allow: [NotInStream]}]\n"

func controllerNamed(name, image string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\n  namespace: flux-system\n  labels: {app.kubernetes.io/component: " + name +
		", app.kubernetes.io/part-of: flux, control-plane: controller}\nspec:\n  selector: {}\n  template:\n    spec:\n      containers:\n      - {name: manager, image: \"" + image + "\"}\n"
}

// TestVersionsToCome: a version of every kind that no release of today serves is
// changed like the newest that is known, with a warning and without advice to go back.
func TestVersionsToCome(t *testing.T) {
	for _, kind := range flux.Kinds() {
		if kind.Name == flux.GitRepository { // which has no certSecretRef
			continue
		}
		object := func(version string) string {
			return fmt.Sprintf("apiVersion: %s/%s\nkind: %s\nmetadata: {name: a, namespace: apps}\nspec: {%s: \"https://a.example.com/x\", type: slack, address: \"https://a\"}\n", kind.Group, version, kind.Name, kind.Address)
		}
		if kind.Address == "address" {
			object = func(version string) string {
				return fmt.Sprintf("apiVersion: %s/%s\nkind: %s\nmetadata: {name: a, namespace: apps}\nspec: {type: slack, address: \"https://a\"}\n", kind.Group, version, kind.Name)
			}
		}
		spec := unjudged + "  onNoControllers: Ignore\n  sources: [{kinds: [" + kind.Name + "], certSecretRef: {name: corp}}]\n"
		for _, version := range []string{"v2beta1", "v2", "v17"} {
			texts, found := ran(t, spec, object(version))
			newest := kind.Newer(version)
			if newest == "" || !warns(found, codes.UnknownVersion, version+" is newer than this release of flux-trust knows, and is treated as "+newest) || len(texts) == 0 || !strings.Contains(texts[0], "certSecretRef") {
				t.Errorf("%s %s: %v\n%s", kind.Name, version, found, texts)
			}
		}
		for version := range kind.Versions {
			if _, found := ran(t, spec, object(version)); warns(found, codes.UnknownVersion, "") {
				t.Errorf("%s %s: %v", kind.Name, version, found)
			}
		}
	}
	for _, kind := range flux.Installers() {
		object := func(version string) string {
			return fmt.Sprintf("apiVersion: %s/%s\nkind: %s\nmetadata: {name: flux, namespace: flux-system}\nspec:\n  chart: {spec: {chart: \"%s\"}}\n", kind.Group, version, kind.Kind, kind.Chart)
		}
		for _, version := range []string{"v3alpha1", "v17"} {
			texts, found := ran(t, unjudged, object(version))
			if !warns(found, codes.UnknownVersion, "is newer") || len(texts) == 0 || !strings.Contains(texts[0], "flux-trust-ca") {
				t.Errorf("%s %s: %v\n%s", kind.Kind, version, found, texts)
			}
		}
		for _, version := range kind.Versions {
			if _, found := ran(t, unjudged, object(version)); warns(found, codes.UnknownVersion, "") {
				t.Errorf("%s %s: %v", kind.Kind, version, found)
			}
		}
	}
}

// TestControllersToCome: a release of a controller that is newer than today's is changed
// as those are; a controller of a new name is named.
func TestControllersToCome(t *testing.T) {
	for _, name := range flux.Names() {
		texts, found := ran(t, unjudged, controllerNamed(name, "ghcr.io/fluxcd/"+name+":v99.1.0"))
		if len(texts) == 0 || !strings.Contains(texts[0], "flux-trust-ca") || warns(found, codes.UnknownName, "") {
			t.Errorf("%s: %v\n%s", name, found, texts)
		}
	}
	known, fancy := controllerNamed("source-controller", "ghcr.io/fluxcd/source-controller:v1.9.6"), controllerNamed("fancy-controller", "ghcr.io/fluxcd/fancy-controller:v1.0.0")
	texts, found := ran(t, unjudged, known, fancy)
	if !warns(found, codes.UnknownName, "looks like a controller of Flux that this release of flux-trust does not know (fancy-controller), and is left alone") || len(texts) != 2 || strings.Contains(texts[1], "flux-trust") {
		t.Errorf("%v\n%s", found, texts)
	}
	for name, more := range map[string]string{
		"additional": "  controllers: {additional: [{name: fancy-controller}]}\n",
		"include":    "  controllers: {include: [source-controller]}\n",
	} {
		if _, found := ran(t, unjudged+more, known, fancy); warns(found, codes.UnknownName, "") {
			t.Errorf("%s: %v", name, found)
		}
	}
	const instance = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\nspec: {components: [source-controller, fancy-controller]}\n"
	if _, found := ran(t, unjudged, instance); !warns(found, codes.UnknownName, "fancy-controller is a controller that this release of flux-trust does not know: it gets no patch") {
		t.Error(found)
	}
}

// warns reports whether a finding is a warning of a code.
func warns(found krm.Findings, code krm.Code, message string) bool {
	for _, f := range found {
		if f.Code == code && f.Severity == krm.Warning && strings.Contains(f.Message, message) {
			return true
		}
	}
	return false
}

// TestControllersOfOtherKinds: what runs a controller and is no Deployment is named, unless
// the config selects it, or does not want the controller.
func TestControllersOfOtherKinds(t *testing.T) {
	known := controllerNamed("kustomize-controller", "ghcr.io/fluxcd/kustomize-controller:v1.9.0")
	other := strings.Replace(controllerNamed("source-controller", "registry.example.com/flux/source-controller:v1.9.6"), "kind: Deployment", "kind: StatefulSet", 1)
	texts, found := ran(t, unjudged, known, other)
	if !warns(found, codes.NoDeployment, "runs a controller of Flux (source-controller), and is left alone, because Flux runs its controllers as Deployments; name it under spec.controllers.additional, with kind: StatefulSet") || texts[1] != other {
		t.Errorf("%v\n%s", found, texts)
	}
	for name, more := range map[string]string{
		"additional": "  controllers: {additional: [{name: source-controller, kind: StatefulSet}]}\n",
		"exclude":    "  controllers: {exclude: [source-controller]}\n",
	} {
		if _, found := ran(t, unjudged+more, known, other); warns(found, codes.NoDeployment, "") {
			t.Errorf("%s: %v", name, found)
		}
	}
}
