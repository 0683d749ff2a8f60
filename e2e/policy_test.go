//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestClusterAdmissionRefuses: the API server refuses a controller that the policy
// cannot change, and leaves alone what is not Flux's.
func TestClusterAdmissionRefuses(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	s := startAPIServer(t)
	stock := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	b := newBuild(t, inline(newAuthority(t, "root").pem(), "  securityContext: {profile: None}\n"), stock)
	s.restrict([]object{
		{"kind": "Namespace", "metadata": object{"name": "apps"}}, {"kind": "Namespace", "metadata": object{"name": "flux-system"}},
	})
	s.mustApply(parse(t, b.ok(function, "patches", "config.yaml", "-o", "admission-policy"), "flux-system")...)

	// with returns source-controller in a namespace, with texts replaced.
	with := func(namespace string, texts ...string) object {
		manifest := sourceController(t, stock)
		for i := 0; i < len(texts); i += 2 {
			if !strings.Contains(manifest, texts[i]) {
				t.Fatalf("the manifest has no %q", texts[i])
			}
			manifest = strings.ReplaceAll(manifest, texts[i], texts[i+1])
		}
		o := parse(t, manifest, "")[0]
		o["metadata"].(object)["namespace"] = namespace //nolint:forcetypeassert // parse has looked
		return o
	}
	try := func(o object) reply {
		return s.do(http.MethodPatch, s.path(o)+"?fieldManager=flux&dryRun=All", "application/apply-patch+yaml", o)
	}
	const ownRoots = "        env:\n        - name: SSL_CERT_DIR\n          value: /my/certs\n"
	own := []string{"        env:\n", ownRoots}

	s.await("the policies", func() error { // they are compiled in the background
		if r := try(with("flux-system")); r.code >= 300 || !strings.Contains(r.text, "flux-trust-ca") {
			return fmt.Errorf("stock: %d %s", r.code, r.text)
		}
		const want = "this controller of Flux would not trust the CA bundle of FluxTrust corporate-ca; take its own SSL_CERT_DIR or SSL_CERT_FILE out"
		if r := try(with("flux-system", own...)); r.code != http.StatusUnprocessableEntity || !strings.Contains(r.message(), want) {
			return fmt.Errorf("with roots of its own: %d %s", r.code, r.text)
		}
		return nil
	})
	for name, o := range map[string]object{
		"another namespace": with("apps", own...),
		"another name":      with("flux-system", append(own, "\n  name: source-controller\n", "\n  name: my-controller\n")...),
		"no label of Flux":  with("flux-system", append(own, "\n    app.kubernetes.io/part-of: flux\n", "\n")...),
	} {
		if r := try(o); r.code >= 300 || strings.Contains(r.text, "flux-trust") {
			t.Errorf("%s: %d %s", name, r.code, r.text)
		}
	}
}

// sourceController returns the manifest of source-controller in a stream.
func sourceController(t *testing.T, stream string) string {
	t.Helper()
	documents := strings.Split(stream, "\n---\n")
	i := slices.IndexFunc(documents, func(d string) bool {
		return strings.Contains(d, "kind: Deployment\n") && strings.Contains(d, "\n  name: source-controller\n")
	})
	if i < 0 {
		t.Fatal("no source-controller")
	}
	return documents[i] + "\n"
}
