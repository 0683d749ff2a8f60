// Package installer changes the controllers that are made in the cluster from an
// object: a FluxInstance, or a HelmRelease of a chart that installs Flux. They are in
// no stream, so the object gets patches for them.
//
// What changes in a controller is the caller's to say. The package knows the stock
// controllers, and where the patches stand.
package installer
