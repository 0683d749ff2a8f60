package transformer

import (
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/probe"
)

// TestTargets reads what sources connect to after the config has been applied. What
// each kind connects to is tested in internal/sources.
func TestTargets(t *testing.T) {
	data, err := os.ReadFile("../examples/quickstart/certs/Company-Root-CA.crt")
	if err != nil {
		t.Fatal(err)
	}
	root := string(data[strings.Index(string(data), "-----BEGIN"):])
	const source = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: a, namespace: apps}\nspec: {url: \"https://charts.example.com\"}\n"
	bundle := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: corp-ca, namespace: flux-system}\nbinaryData: {ca.crt: " + base64.StdEncoding.EncodeToString([]byte(root)) + "}\n"
	for name, tc := range map[string]struct {
		config  string
		stream  []string
		roots   int
		unknown string
		check   func(probe.Target) bool
	}{
		"as it stands": {"", []string{source, bundle}, 1, "", func(t probe.Target) bool { return t.Controller.Bundle && t.Secrets.Cert == nil }},
		"with a certSecretRef of the config": {
			"  sources: [{kinds: [HelmRepository], certSecretRef: {name: made}}]\n",
			[]string{source, bundle},
			1, "",
			func(t probe.Target) bool {
				return t.Secrets.Cert != nil && strings.Contains(string(t.Secrets.Cert.Data["ca.crt"]), "-----BEGIN CERTIFICATE-----")
			},
		},
		"a bundle that is not known": {"", []string{source}, 0, "it is not in the stream", func(t probe.Target) bool { return t.Controller.Bundle }},
		"without a mount":            {"  mount: {method: None}\n", []string{source, bundle}, 1, "", func(t probe.Target) bool { return !t.Controller.Bundle }},
		"in a List": {
			"",
			[]string{"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(source), "\n", "\n  ") + "\n", bundle},
			1, "",
			func(t probe.Target) bool { return t.Source == "HelmRepository apps/a" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := v1alpha1.Parse("c.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: x}\nspec:\n  onNoControllers: Ignore\n  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]\n"+tc.config))
			if err != nil {
				t.Fatal(err)
			}
			var resources []Resource
			for _, text := range tc.stream {
				resources = append(resources, Resource{Node: yaml.MustParse(text)})
			}
			targets, roots, unknown, outcome := Targets(config, resources, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			if outcome.Failed() || len(targets) != 1 || len(roots) != tc.roots || !strings.Contains(unknown, tc.unknown) || tc.unknown == "" && unknown != "" {
				t.Fatalf("%d targets, %d roots, unknown %q: %v", len(targets), len(roots), unknown, outcome.Results())
			}
			if !slices.ContainsFunc(targets, tc.check) {
				t.Errorf("got %+v", targets[0])
			}
		})
	}
}
