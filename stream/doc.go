// Package stream splits plain YAML (or JSON) into documents and puts it back
// together.
//
// A document that nobody replaces comes back byte for byte. One that is
// replaced keeps its comments, indentation, quoting and line endings wherever
// the change did not touch them.
//
// It knows documents and bytes, and nothing of what a resource means.
package stream
