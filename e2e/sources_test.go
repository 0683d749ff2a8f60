package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestKustomizeNameReference puts a prefix around the function, and in the same
// layer as a generator of the Secret: with the nameReference of docs/sources.md every
// reference names a Secret of its namespace.
func TestKustomizeNameReference(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	program(t, "FLUX_TRUST")
	reference := regexp.MustCompile("(?s)```yaml\n(# nameReference.*?)```").FindStringSubmatch(read(t, "../docs/sources.md"))
	if reference == nil {
		t.Fatal("docs/sources.md shows no nameReference")
	}
	for name, layer := range map[string]string{
		"outer layer": "",
		"same layer":  "namePrefix: team-\nconfigurations: [nameReference.yaml]\nsecretGenerator:\n- name: corporate-ca\n  namespace: apps\n  files: [ca.crt=Company-Root-CA.crt]\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyExample(t, "per-source-secrets")
			if layer == "" {
				dir = filepath.Join(filepath.Dir(dir), "outer")
				layer = "resources: [../per-source-secrets]\nnamePrefix: team-\nconfigurations: [nameReference.yaml]\n"
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			} else {
				layer = read(t, filepath.Join(dir, "kustomization.yaml")) + layer
			}
			for file, text := range map[string]string{"kustomization.yaml": layer, "nameReference.yaml": reference[1]} {
				write(t, filepath.Join(dir, file), text)
			}
			got := run(t, dir, kustomize, pluginFlags...)
			if got.code != 0 {
				t.Fatal(got.stderr)
			}
			checkReferences(t, got.stdout, 3)
		})
	}
}

// checkReferences looks for the Secret of every certSecretRef in its namespace.
func checkReferences(t *testing.T, stream string, want int) {
	t.Helper()
	value := func(document, pattern string) string {
		if match := regexp.MustCompile(pattern).FindStringSubmatch(document); match != nil {
			return match[1]
		}
		return ""
	}
	var secrets []string
	documents := strings.Split(stream, "\n---\n")
	for _, d := range documents {
		if strings.Contains(d, "\nkind: Secret\n") {
			secrets = append(secrets, value(d, `\n  namespace: (\S+)`)+"/"+value(d, `\n  name: (\S+)`))
		}
	}
	references := 0
	for _, d := range documents {
		ref := value(d, `\n  certSecretRef:\n    name: (\S+)`)
		if ref == "" {
			continue
		}
		references++
		if key := value(d, `\n  namespace: (\S+)`) + "/" + ref; !slices.Contains(secrets, key) {
			t.Errorf("%s is not among %v", key, secrets)
		}
	}
	if references != want {
		t.Errorf("%d references, want %d", references, want)
	}
}
