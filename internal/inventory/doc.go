// Package inventory says what stands in a stream: the workloads and which of their
// containers run a controller, the objects that install Flux, Flux's sources, and the
// objects that hold certificates.
//
// It reads objects once and changes none. What is wrong with an object is kept
// beside what could be read, until it is known whether the config is about it.
package inventory
