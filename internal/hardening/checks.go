package hardening

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// version of the Pod Security Standards that pods are judged by: that of the newest
// Kubernetes release that the evaluator knows.
func version() api.Version {
	const major, minor = 1, 37
	return api.MajorMinorVersion(major, minor)
}

// standard is what pods are judged by, such as restricted:v1.37.
func standard() string {
	return api.LevelVersion{Level: api.LevelRestricted, Version: version()}.String()
}

// check is one of the evaluator's, at that version.
type check struct {
	id       policy.CheckID
	restrict bool
	pod      policy.CheckPodFn
}

// refuses reports whether the check refuses a part of a pod.
func (c check) refuses(spec corev1.PodSpec) bool {
	return !c.pod(&metav1.ObjectMeta{}, &spec).Allowed
}

// checks returns those of "restricted", in the order of the evaluator: those of
// baseline that none of restricted replaces, then the latter, each by their ids.
// policy.NewEvaluator makes the tables of every version first, which takes as long
// as to harden a stock install, and its results have no ids.
func checks() []check {
	var found []check
	var replaced []policy.CheckID
	at := version()
	for _, c := range policy.DefaultChecks() {
		for _, v := range slices.Backward(c.Versions) {
			if at.Older(v.MinimumVersion) {
				continue
			}
			found = append(found, check{c.ID, c.Level == api.LevelRestricted, v.CheckPod})
			replaced = append(replaced, v.OverrideCheckIDs...)
			break
		}
	}
	found = slices.DeleteFunc(found, func(c check) bool { return slices.Contains(replaced, c.id) })
	slices.SortFunc(found, func(a, b check) int {
		if a.restrict != b.restrict {
			if a.restrict {
				return 1
			}
			return -1
		}
		return strings.Compare(string(a.id), string(b.id))
	})
	return found
}
