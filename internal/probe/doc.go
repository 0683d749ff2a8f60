// Package probe connects to the hosts that Flux sources name, as the Flux
// controllers would, and says which of them will work: what certificates were
// presented, which roots carry them, and for each failure the one change that cures
// it.
//
// It is the only package that opens connections. It knows nothing of YAML and of
// Kubernetes: targets go in, reports come out.
package probe
