// Package filter runs the function over plain YAML: documents in, documents out, and
// files that are to be written back.
//
// It reads and writes no file.
package filter
