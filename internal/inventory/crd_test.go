package inventory

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/corpus"
	"fluxtrust.dev/flux-trust/internal/flux"
)

// TestCertSecretRefOfEveryRelease holds the table of kinds and versions against
// the CRDs of real releases: which versions have spec.certSecretRef, and which key
// of its Secret the controller reads.
func TestCertSecretRefOfEveryRelease(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range corpus.Files(t, "gotk/*.yaml") {
		data := corpus.Read(t, file)
		v := flux.Versions{}
		for _, image := range regexp.MustCompile(`image: (\S*/(\S+-controller):\S+)`).FindAllStringSubmatch(string(data), -1) {
			v.See(image[2], flux.Tag(image[1]))
		}
		for _, text := range strings.Split(string(data), "\n---\n") {
			if !strings.Contains(text, "kind: CustomResourceDefinition") {
				continue
			}
			var crd crd
			if err := yaml.Unmarshal([]byte(text), &crd); err != nil {
				t.Fatal(err)
			}
			api, ok := flux.KindOf(crd.Spec.Group, crd.Spec.Names.Kind)
			if !ok {
				continue
			}
			for _, served := range crd.Spec.Versions {
				if !served.Served {
					continue
				}
				name := filepath.Base(file) + ", " + crd.Spec.Names.Kind + " " + served.Name
				seen[crd.Spec.Names.Kind+" "+served.Name] = true
				if _, ok := api.Versions[served.Name]; !ok {
					t.Errorf("%s is not in the table", name)
				}
				spec := served.Schema.OpenAPIV3Schema.Properties.Spec
				ref, has := spec.Properties["certSecretRef"]
				o := &Source{API: api, Version: served.Name}
				if err := o.CheckField(v); (err == nil) != has {
					t.Errorf("%s: %v, and the CRD has certSecretRef: %t", name, err, has)
				}
				if reads := strings.Contains(ref.Description, "`ca.crt`") || strings.Contains(ref.Description, "ca.crt only"); has && served.Storage && reads == v.Below(api.Controller, api.CAKey) {
					t.Errorf("%s: read ca.crt: %t, which the table denies", name, reads)
				}
				for _, field := range []string{api.Address, api.Required} {
					if _, ok := spec.Properties[field]; !ok {
						t.Errorf("%s has no %s", name, field)
					}
				}
			}
		}
	}
	for _, kind := range flux.Kinds() {
		for version := range kind.Versions {
			if !seen[kind.Name+" "+version] && kind.Name+" "+version != "Provider v1" { // Flux 2.10 is not in the corpus
				t.Errorf("no release serves %s %s", kind.Name, version)
			}
		}
	}
}

// crd is what the test reads of a CustomResourceDefinition.
type crd struct {
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name            string
			Served, Storage bool
			Schema          struct {
				OpenAPIV3Schema struct {
					Properties struct {
						Spec struct {
							Properties map[string]struct{ Description string }
						}
					}
				} `yaml:"openAPIV3Schema"`
			}
		}
	}
}
