// Package v1alpha1 holds the FluxTrust config of the function: its types, its
// defaults, and the strict decoding that turns every problem of a config into
// a sentence with a line and a field.
//
// It knows the config and nothing of the stream that the config is applied to.
package v1alpha1
