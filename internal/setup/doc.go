// Package setup knows the way from a certificate file to controllers that trust it: what
// config and what file with the certificates belong into a folder, by what is in it.
//
// It reads the folder, and writes nothing.
package setup
