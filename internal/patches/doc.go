// Package patches expresses what happened to a workload as a patch of
// kustomize, for the places that run no functions.
//
// It compares a resource before and after and knows nothing of who changed it
// or why. A patch is a strategic merge: it names what it changes, so it fits
// more than the one release that it was made from, and a second application
// changes nothing.
package patches
