// Package kustomization knows a folder with a kustomization: what it builds, in
// memory and from local files alone, as Flux builds it.
package kustomization
