// Package krm reads and edits Kubernetes objects as YAML, and tells what there is to
// say about them.
//
// An [Object] stands before and after. A [Field] is a value of it and its path: readers
// let the first error stick to the object, and edits keep comments, order and quotes.
// What was changed is the [Differences] of the two, and a [Finding] names an object, a
// field and a stable code.
//
// It does not know what an object means: no Deployment, no Flux, no config.
package krm
