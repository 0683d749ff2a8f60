// Package hardening makes a pod template meet the Pod Security Standard
// restricted, or what OpenShift asks for, and judges any pod template by the checks of
// Kubernetes' own Pod Security admission.
//
// [Pod.Harden] goes through a table of rules, each with the id of the check that it is
// about and a file of its own. docs/hardening.md has a row for every outcome, and tests
// read them there, and take out one rule after the other.
//
// [Judge] reads a pod as the API server does. It knows nothing of what was changed: a
// pod is judged as it is given.
//
// The package knows pod templates and the securityContext of the config. It does not
// know what the pod is there for, nor where it stands.
package hardening
