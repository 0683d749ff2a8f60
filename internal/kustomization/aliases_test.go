package kustomization

import (
	"strings"
	"testing"
	"time"
)

// TestAliases: kustomize writes aliases out, and a small file can stand for more than any
// machine holds.
func TestAliases(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\nx0: &x0 [a, a]\n")
	name := "x0"
	for range 30 {
		next := name + "0"
		bomb.WriteString(next + ": &" + next + " [" + strings.Repeat("*"+name+", ", 3) + "]\n")
		name = next
	}
	for file, kustomization := range map[string]string{
		"resource.yaml": "resources: [gotk-components.yaml, resource.yaml]\n",
		"patch.yaml":    "resources: [gotk-components.yaml]\npatches:\n- path: patch.yaml\n",
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{
			"kustomization.yaml": kustomization + "configMapGenerator:\n- name: corp-ca\n  namespace: flux-system\n  files: [ca.crt]\n", "ca.crt": newRoot(t, "root"),
			"gotk-components.yaml": deployment("source-controller"), file: bomb.String(),
		})
		_, err := Reconcile(parseConfig(t, fromFile), Options{Dir: dir, Now: time.Now().Add(time.Minute)})
		if err == nil || !strings.Contains(err.Error(), file+": has more than 100000 values once its aliases are expanded; write it without so many") {
			t.Errorf("%s: got %v", file, err)
		}
	}
}
