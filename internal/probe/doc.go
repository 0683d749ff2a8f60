// Package probe connects to the hosts that Flux sources name, as the Flux
// controllers would, and says which of them will work: what certificates were
// presented, which roots carry them, and for each failure the one change that cures
// it. Before that it does with the Secrets of a source what its controller does, by
// the controller's version.
//
// It is the only package that opens connections. It does not read objects: targets go
// in, reports come out.
package probe
