package flux

import (
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

func TestGoOf(t *testing.T) {
	for controller, versions := range map[string]map[string]Go{
		"source-controller":       {"0.36.1": {}, "1.0.0": {"1.20", "1.20"}, "1.3.0": {"1.22", "1.22"}, "1.4.1": {"1.23", "1.22"}, "1.5.0": {"1.23", "1.23"}, "1.9.6": {"1.26", "1.26"}, "1.10.1": {"1.27", "1.27"}, "2.0.0": {"1.27", "1.27"}},
		"notification-controller": {"1.2.4": {"1.21", "1.21"}, "1.4.0": {"1.23", "1.23"}},
		"flux-operator":           {"0.58.1": {"1.26", "1.26"}},
		"other":                   {"1.0.0": {}},
	} {
		for v, want := range versions {
			if got, ok := GoOf(controller, version.MustParseSemantic(v)); got != want || ok == (want == Go{}) {
				t.Errorf("%s %s: got %v, %t, want %v", controller, v, got, ok, want)
			}
		}
	}
	seen := Versions{}
	seen.See("source-controller", "v1.7.3")
	seen.See("helm-controller", "latest")
	if got := seen.Go(); !reflect.DeepEqual(got, map[string]Go{"source-controller 1.7.3": {"1.25", "1.25"}}) {
		t.Errorf("got %v", got)
	}
}

// TestBuildsGoBack checks that each controller has its steps in the order of the list,
// and that none is misspelt.
func TestBuildsGoBack(t *testing.T) {
	before := map[string]*version.Version{}
	for _, b := range Builds() {
		for controller, since := range b.Since {
			v := version.MustParseSemantic(since)
			if !slices.Contains(Names(), controller) || before[controller] != nil && !v.LessThan(before[controller]) {
				t.Errorf("%s %s of Flux %s", controller, since, b.Flux)
			}
			before[controller] = v
		}
	}
}
