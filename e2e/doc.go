// Package e2e runs the function where its users run it: in kustomize, in kpt
// and in containers. It is a module of its own, so that what it needs does not
// become a dependency of the function.
//
// The programs come from the environment: FLUX_TRUST, KUSTOMIZE (built by
// make), and kpt and docker on the PATH. A test whose program is missing is
// skipped and says so.
package e2e
