package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestKyverno applies the policies by Kyverno's own CLI: what comes out equals what the
// function gives, also a second time and after another config of the name; and what
// cannot be changed fails.
func TestKyverno(t *testing.T) {
	function, kyverno := program(t, "FLUX_TRUST"), program(t, "KYVERNO")
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	root := newAuthority(t, "root").pem()
	b := newBuild(t, inline(root, noHardening), stock)
	want := deployments(t, b.ok(function, "config.yaml", "flux.yaml"))
	printed := strings.Split(b.ok(function, "patches", "config.yaml", "-o", "kyverno"), "\n---\n")
	b.write("policy.yaml", strings.Join(printed[:2], "\n---\n")) // without the ConfigMap
	b.write("other.yaml", inline(root, noHardening+"  mount: {path: /ca}\n"))
	elsewhere := deployments(t, b.ok(function, "other.yaml", "flux.yaml"))

	apply := func(manifest string) result {
		b.write("resource.yaml", manifest)
		b.write("out.yaml", "")
		return run(t, b.dir, kyverno, "apply", "policy.yaml", "--resource", "resource.yaml", "-o", "out.yaml", "--remove-color")
	}
	for name, before := range deployments(t, stock) {
		for what, manifest := range map[string]string{"stock": asYAML(t, before), "again": asYAML(t, want[name]), "after another path": asYAML(t, elsewhere[name])} {
			got := apply(manifest)
			after := read(t, filepath.Join(b.dir, "out.yaml"))
			if got.code != 0 || !strings.Contains(after, "kind: Deployment") {
				t.Fatalf("%s, %s: exit code %d\n%s%s\n%s", name, what, got.code, got.stdout, got.stderr, after)
			}
			equal(t, what, after, asYAML(t, want[name]))
		}
	}
	own := strings.Replace(sourceController(t, stock), "        env:\n", "        env:\n        - name: SSL_CERT_DIR\n          value: /my/certs\n", 1)
	if got := apply(own); got.code == 0 || !strings.Contains(got.stdout+got.stderr, "does not trust the CA bundle of FluxTrust corporate-ca") {
		t.Errorf("with roots of its own: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
