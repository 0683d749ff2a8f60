package filter

import (
	"strings"
	"testing"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

const (
	spec       = "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n    allow: [NotInStream]\n"
	controller = "# ours\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\nspec:\n  selector: {}\n  template:\n    spec:\n      containers:\n      - name: manager\n        image: ghcr.io/fluxcd/source-controller:v1.9.6\n"
	other      = "apiVersion: v1\nkind: Namespace\nmetadata:   {name: a}\n"
)

// TestInPlace: files that the function does not change are not there, the others hold
// what the function makes of all of them together, and a second run changes nothing.
func TestInPlace(t *testing.T) {
	config, err := v1alpha1.Parse("config.yaml", []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	files := []File{{"a.yaml", []byte(other)}, {"b.yaml", []byte(controller + "---\n" + other)}}
	after, outcome, err := InPlace(config, files, time.Now())
	if err != nil || outcome.Failed() || len(after) != 1 || after[0].Path != "b.yaml" {
		t.Fatal(err, outcome.Findings, after)
	}
	text := string(after[0].Text)
	if !strings.HasPrefix(text, "# ours\n") || !strings.HasSuffix(text, "---\n"+other) || !strings.Contains(text, "name: corp-ca\n") {
		t.Error(text)
	}
	if again, _, err := InPlace(config, []File{files[0], after[0]}, time.Now()); err != nil || len(again) != 0 {
		t.Error("a second run changes", again, err)
	}
	for name, broken := range map[string][]File{
		"no controller": files[:1],
		"not YAML":      {files[1], {"c.yaml", []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller\n")}},
	} {
		if after, outcome, err := InPlace(config, broken, time.Now()); len(after) > 0 || err == nil && !outcome.Failed() {
			t.Errorf("%s: %v %v %v", name, after, outcome.Findings, err)
		}
	}
}
