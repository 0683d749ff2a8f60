// Package krm reads and edits Kubernetes resources as YAML, and collects what
// there is to say about them.
//
// A [Field] is a value and its path. An [Editor] changes fields in ways that keep
// comments, order and quotes, and knows whether it has changed anything. A [Report]
// collects results that name the resource and the field.
//
// It does not know what a resource means: no Deployment, no Flux, no config.
package krm
