// Package hardening makes a pod template meet the Pod Security Standard
// restricted, or what OpenShift asks for, and lets Kubernetes' own evaluator judge
// what came of it. docs/hardening.md has its rules, and tests read them there.
//
// It knows pod templates and the securityContext of the config. It does not know
// what the pod is there for, nor where it stands.
package hardening
