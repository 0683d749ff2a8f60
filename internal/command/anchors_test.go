package command

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// TestAnchorsAcrossResourceList gives a name in one part of a ResourceList, and refers to
// it in another. The result must mean what it means when the value is written out.
func TestAnchorsAcrossResourceList(t *testing.T) {
	parts := map[string]string{
		"config": "functionConfig:\n  apiVersion: fluxtrust.dev/v1alpha1\n  kind: FluxTrust\n  metadata: {name: corporate-ca, labels: {z: SLOT}}\n  spec: {caBundle: [{configMap: {name: corp-ca, keys: [ca.crt]}}]}\n",
		"items": "items:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: other, labels: {z: SLOT}}\n" +
			"- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: source-controller\n    labels: {z: SLOT, app.kubernetes.io/part-of: flux, app.kubernetes.io/component: source-controller}\n" +
			"  spec:\n    selector: {matchLabels: {app: x}}\n    template:\n      metadata: {labels: {app: x, z: SLOT}}\n      spec: {containers: [{name: manager, image: fluxcd/source-controller:v1.8.0}]}\n" +
			"- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: behind, labels: {z: SLOT}}\n",
		"results": "results:\n- message: SLOT\n  severity: info\n- message: of before\n  file: {path: SLOT}\n  severity: info\n",
	}
	ran := 0
	for _, order := range []string{"config items results", "items config results", "results items config", "items results config", "config items"} {
		list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
		for name := range strings.FieldsSeq(order) {
			list += parts[name]
		}
		slots := strings.Count(list, "SLOT")
		for _, value := range []string{"text", "'12'"} {
			for from := range slots {
				for to := from + 1; to < slots; to++ {
					// Each slot has a value of its own, but for the two.
					anchored, written := list, list
					for i := range slots {
						own := fmt.Sprintf("own-%d", i)
						a, w := own, own
						switch i {
						case from:
							a, w = "&n "+value, value
						case to:
							a, w = "*n ", value
						}
						anchored, written = strings.Replace(anchored, "SLOT", a, 1), strings.Replace(written, "SLOT", w, 1)
					}
					ran++
					got, stderr, code := run([]byte(anchored))
					want, wantErr, wantCode := run([]byte(written))
					if code != wantCode || string(stderr) != string(wantErr) {
						t.Fatalf("exit code %d, want %d\n%s\n%s\n%s", code, wantCode, stderr, wantErr, anchored)
					}
					if !reflect.DeepEqual(anyOf(t, got), anyOf(t, want)) {
						t.Fatalf("%s\nbecame\n%s\nwritten out it became\n%s", anchored, got, want)
					}
				}
			}
		}
	}
	if ran < 100 {
		t.Errorf("%d lists", ran)
	}
}

func anyOf(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return value
}
