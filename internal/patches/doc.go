// Package patches expresses what happened to a workload as a patch of
// kustomize, for the places that run no functions.
//
// It compares a resource before and after and knows nothing of who changed it
// or why. A patch is a strategic merge: it names what it changes, so it fits
// more than the one release that it was made from, and a second application
// changes nothing.
//
// [Formats] is the table of the forms in which patches are printed: a new one is a row
// and a file. Policies are templates of YAML around expressions of CEL, which are made
// from the same patch.
package patches
