// Package privatekey finds private keys in text, however they are written.
//
// A PEM mark is not what makes a key: a key is commented out, indented, wrapped
// anew, encoded once more or printed by openssl -text, and is still one. So the
// text is read in every way in which bytes are written as text, again and again,
// and what comes out is held against the structure of keys.
//
// It knows nothing of certificates and bundles, and never returns key material.
package privatekey
