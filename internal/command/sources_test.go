package command

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryPairOfSources runs config A, then B, then A again over Flux objects: B
// must give what it gives on fresh objects, A its bytes again, and a config
// without sources gives the objects back.
func TestEveryPairOfSources(t *testing.T) {
	const bundle = "  caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]\n  onNoControllers: Ignore\n"
	const all = "[HelmRepository, OCIRepository, Bucket, ImageRepository, Provider]"
	configs := map[string]string{}
	for name, sources := range map[string]string{
		"none":          "",
		"all":           "  sources: [{kinds: " + all + ", certSecretRef: {name: corp-tls}}]\n",
		"all, renamed":  "  sources: [{kinds: " + all + ", certSecretRef: {name: other-tls}}]\n",
		"one kind":      "  sources: [{kinds: [OCIRepository], certSecretRef: {name: corp-tls}}]\n",
		"by host":       "  sources: [{kinds: " + all + ", hosts: [\"*.example.com\"], certSecretRef: {name: corp-tls}}]\n",
		"several names": "  sources: [{kinds: [Bucket], certSecretRef: {name: a}}, {kinds: " + all + ", certSecretRef: {name: b}}]\n",
	} {
		configs[name] = writeSpec(t, bundle+sources)
	}
	root := "    " + strings.ReplaceAll(strings.TrimSpace(goldenRoot(t)), "\n", "\n    ") + "\n"
	manifest := `# The sources of the teams.
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: apps}
spec: {url: "https://charts.example.com"} # in one line
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: images
  namespace: team-b
  annotations:
    team: b
spec:
  url: oci://10.0.0.1:5000/x
  interval: 5m
  certSecretRef: null
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: Bucket
metadata:
  name: bucket
  annotations: {}
spec:
  endpoint: minio.example.com
---
apiVersion: v1
kind: ConfigMap
metadata: {name: corp-ca, namespace: flux-system}
data:
  ca.crt: |
` + root
	fresh := map[string]string{}
	for name, config := range configs {
		fresh[name] = string(mustRun(t, []byte(manifest), config))
	}
	if fresh["none"] != manifest {
		t.Errorf("without sources: got\n%s", fresh["none"])
	}
	for a, configA := range configs {
		for b, configB := range configs {
			second := string(mustRun(t, []byte(fresh[a]), configB))
			if normal(second) != normal(fresh[b]) {
				t.Errorf("%s, then %s, gives\n%s\nnot\n%s", a, b, second, fresh[b])
			}
			if third := string(mustRun(t, []byte(second), configA)); normal(third) != normal(fresh[a]) {
				t.Errorf("%s, %s, %s gives\n%s\nnot\n%s", a, b, a, third, fresh[a])
			}
		}
	}
}

// normal returns the documents of a stream in an order of their own, since objects
// of an earlier run stay where they are, and without what a change and its undoing
// may leave behind: an empty annotations or an explicit null is not needed.
func normal(stream string) string {
	documents := strings.Split(strings.NewReplacer("  annotations: {}\n", "", "  certSecretRef: null\n", "").Replace(strings.TrimSuffix(stream, "\n")), "\n---\n")
	slices.Sort(documents)
	return strings.Join(documents, "\n---\n")
}
