package transformer

import (
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// TestLook: Deployments and Secrets of others are read when a message names them, or an
// object refers to them, and only then.
func TestLook(t *testing.T) {
	const (
		controller = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\nspec: {selector: {}, template: {spec: {containers: [{name: manager, image: ghcr.io/fluxcd/source-controller:v1.9.6}]}}}\n"
		other      = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: shop, image: shop}]}}}\n"
		variable   = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: manager, image: 'a/${b}'}]}}}\n"
		secret     = "apiVersion: v1\nkind: Secret\nmetadata: {name: found}\n"
		unasked    = "apiVersion: v1\nkind: Secret\nmetadata: {name: unasked}\n"
		named      = "apiVersion: v1\nkind: Secret\nmetadata: {name: corp-ca}\nstringData: {ca.crt: a}\n"
		release    = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: install}\nspec: {chart: {spec: {chart: flux-instance}}, valuesFrom: [{kind: ConfigMap, name: found}]}\n"
		values     = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\ndata: {values.yaml: '{}'}\n"
		git        = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: sync}\nspec: {url: https://a, secretRef: {name: found}}\n"
		chart      = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: own}\nspec: {url: oci://a/flux2}\n"
		namesake   = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: own, namespace: b}\nspec: {url: oci://a/podinfo}\n"
		ofChart    = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: {chartRef: {kind: OCIRepository, name: own}}\n"
		ofAnother  = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: own}\nspec: {chartRef: {kind: OCIRepository, name: podinfo}}\n"
	)
	for name, c := range map[string]struct {
		spec   string
		stream []string
		rounds [][]int // the resources that each parses
	}{
		"a controller":             {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{controller, other, secret, variable}, [][]int{{0}}},
		"no controller":            {"configMap: {name: roots, keys: [b]}", []string{secret, other}, [][]int{{}, {0, 1}}},
		"nothing was left":         {"configMap: {name: roots, keys: [b]}", []string{named}, [][]int{{}}},
		"the Secret of the config": {"secret: {name: corp-ca}", []string{controller, named, secret}, [][]int{{0, 1}}},
		"a Secret that is missing": {"secret: {name: other-ca}", []string{controller, secret}, [][]int{{0}, {0, 1}}},
		"a Secret of a source":     {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{controller, git, unasked, secret, other}, [][]int{{0, 1, 3}}},
		"a source without Secrets": {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{controller, git}, [][]int{{0, 1}}},
		"values of a release":      {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{release, values, unasked}, [][]int{{0, 1}}},
		"what stands before":       {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{controller, unasked, secret, git, controller}, [][]int{{0}, {0, 2, 3, 4}}},
		"a release of a chart":     {"configMap: {name: roots, keys: [b]}", []string{chart, ofChart, ofAnother, namesake}, [][]int{{0, 1, 3}}},
		"a release before it":      {"configMap: {name: roots, keys: [b]}", []string{ofAnother, ofChart, chart}, [][]int{{}, {1, 2}}},
		"a namesake of a chart":    {"configMap: {name: roots, keys: [b]}", []string{namesake, chart, ofChart}, [][]int{{}, {0, 1, 2}}},
		"values before a release":  {"configMap: {name: roots, keys: [b]}, allow: [NotInStream]", []string{values, release}, [][]int{{}, {0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := v1alpha1.Parse("config.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: a}\nspec: {caBundle: [{"+c.spec+"}]}\n"))
			if err != nil {
				t.Fatal(err)
			}
			round := 0
			err = Look(func(needs NeedsFor) (Outcome, error) {
				n := needs(config)
				var parsed []int
				var resources []Resource
				for i, text := range c.stream {
					node := yaml.MustParse(text)
					if n([]byte(node.GetApiVersion()), []byte(node.GetKind()), []byte(text)) {
						parsed = append(parsed, i)
						resources = append(resources, Resource{Node: node})
					}
				}
				if round >= len(c.rounds) || len(parsed) != len(c.rounds[round]) {
					t.Fatalf("round %d parses %v", round, parsed)
				}
				for i, at := range c.rounds[round] {
					if parsed[i] != at {
						t.Fatalf("round %d parses %v", round, parsed)
					}
				}
				round++
				return RunNeeded(config, resources, len(c.stream)-len(resources), time.Now()), nil
			})
			if err != nil || round != len(c.rounds) {
				t.Error(err, round)
			}
		})
	}
}
