package transformer

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
		v := versions{}
		for _, image := range regexp.MustCompile(`image: (\S*/(\S+-controller):\S+)`).FindAllStringSubmatch(string(data), -1) {
			v.see(image[2], flux.Tag(image[1]))
		}
		for _, text := range strings.Split(string(data), "\n---\n") {
			if !strings.Contains(text, "kind: CustomResourceDefinition") {
				continue
			}
			var crd crd
			if err := yaml.Unmarshal([]byte(text), &crd); err != nil {
				t.Fatal(err)
			}
			api, ok := sourceAPIs(crd.Spec.Names.Kind)
			if !ok || api.group != crd.Spec.Group {
				continue
			}
			for _, served := range crd.Spec.Versions {
				if !served.Served {
					continue
				}
				name := filepath.Base(file) + ", " + crd.Spec.Names.Kind + " " + served.Name
				seen[crd.Spec.Names.Kind+" "+served.Name] = true
				if _, ok := api.versions[served.Name]; !ok {
					t.Errorf("%s is not in the table", name)
				}
				spec := served.Schema.OpenAPIV3Schema.Properties.Spec
				ref, has := spec.Properties["certSecretRef"]
				o := &fluxObject{api: api, kind: crd.Spec.Names.Kind, version: served.Name}
				if err := o.checkField(v); (err == nil) != has {
					t.Errorf("%s: %v, and the CRD has certSecretRef: %t", name, err, has)
				}
				if reads := strings.Contains(ref.Description, "`ca.crt`") || strings.Contains(ref.Description, "ca.crt only"); has && served.Storage && reads == v.below(api.controller, api.caKey) {
					t.Errorf("%s: read ca.crt: %t, which the table denies", name, reads)
				}
				for _, field := range []string{api.address, api.required} {
					if _, ok := spec.Properties[field]; !ok {
						t.Errorf("%s has no %s", name, field)
					}
				}
			}
		}
	}
	for _, kind := range fluxKinds() {
		api, _ := sourceAPIs(kind)
		for version := range api.versions {
			if !seen[kind+" "+version] {
				t.Errorf("no release serves %s %s", kind, version)
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

func TestEndpoint(t *testing.T) {
	for _, tc := range []struct{ kind, address, scheme, host string }{
		{"HelmRepository", "https://Charts.Example.com:8443/x", "https", "charts.example.com:8443"},
		{"HelmRepository", "HTTP://charts.example.com", "http", "charts.example.com"},
		{"HelmRepository", "oci://user:pass@oci.example.org/x", "oci", "oci.example.org"},
		{"HelmRepository", "https://${HOST}/x", "", ""},
		{"HelmRepository", "%zz", "", ""},
		{"Bucket", "minio.example.com:9000", "https", "minio.example.com:9000"},
		{"Bucket", "http://minio.example.com", "http", "minio.example.com"},
		{"ImageRepository", "images.example.org/fluxcd/x", "https", "images.example.org"},
		{"ImageRepository", "registry:5000/x", "https", "registry:5000"},
		{"ImageRepository", "localhost/x", "https", "localhost"},
		{"ImageRepository", "fluxcd/x", "https", "index.docker.io"},
		{"ImageRepository", "alpine", "https", "index.docker.io"},
		{"ImageRepository", "registry.example.com:5000", "https", "index.docker.io"},
		{"Provider", "https://hook.example.com/x", "https", "hook.example.com"},
		{"Provider", "projects/foo/topics/bar", "", ""},
		{"Provider", "", "", ""},
		{gitRepository, "ssh://git@git.example.com/x", "ssh", "git.example.com"},
	} {
		scheme, host := (&fluxObject{kind: tc.kind}).endpoint(tc.address)
		if scheme != tc.scheme || host != tc.host {
			t.Errorf("%s %s: %q, %q, want %q, %q", tc.kind, tc.address, scheme, host, tc.scheme, tc.host)
		}
	}
}
