package flux

import (
	"cmp"
	"slices"
	"strconv"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// apiVersion matches a version of a Kubernetes API.
var apiVersion = pattern.Pattern{Text: `^v([1-9]\d{0,3})(?:(alpha|beta)([1-9]\d{0,3}))?$`}

// Newer returns the newest of some known versions of an API where another one is newer
// than all of them, or "": what will be true of it is not known, and most like what is
// true of that one.
func Newer(another string, known []string) string {
	if len(known) == 0 || !apiVersion.Get().MatchString(another) {
		return ""
	}
	newest := slices.MaxFunc(known, compareVersions)
	if compareVersions(another, newest) <= 0 {
		return ""
	}
	return newest
}

// compareVersions orders versions by the time at which they come: v2alpha1 after v1,
// where kubectl prefers v1.
func compareVersions(a, b string) int {
	x, y := apiVersion.Get().FindStringSubmatch(a), apiVersion.Get().FindStringSubmatch(b)
	if x == nil || y == nil {
		return cmp.Compare(len(x), len(y))
	}
	stage := func(of []string) int { return slices.Index([]string{"alpha", "beta", ""}, of[2]) }
	return cmp.Or(cmp.Compare(number(x[1]), number(y[1])), cmp.Compare(stage(x), stage(y)), cmp.Compare(number(x[3]), number(y[3])))
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil { // there is none
		return 0
	}
	return n
}

// Unknown returns the component that the labels say a workload is, where they are those
// of Flux's controllers and none of that name is known, or "".
func Unknown(w Workload) string {
	name := w.Labels["app.kubernetes.io/component"]
	if w.Labels[partOf] != "flux" || w.Labels["control-plane"] != "controller" || slices.Contains(Names(), name) || w.component() != "" {
		return ""
	}
	return name
}
