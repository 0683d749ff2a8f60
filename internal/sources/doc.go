// Package sources sets trust on Flux's sources: the certSecretRef of those that the
// config selects, the Secrets that they need, and what is to be said about them. It
// also says what Flux objects connect to, in the words of package probe.
//
// It does not know controllers or pods, and opens no connection.
package sources
