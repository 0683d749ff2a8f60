// Package bundle reads PEM files of CA certificates and says what is wrong with
// them.
//
// Go's own reader (x509.CertPool.AppendCertsFromPEM) skips what it does not
// understand without a word, so a controller with a bad bundle starts and then
// trusts less than its user believes. Here, every "-----BEGIN" is a certificate
// that a pool will hold, or a finding says why not.
//
// It knows nothing of Kubernetes, reads no clock and never repeats key material.
package bundle
