// Package stream splits a ResourceList, plain YAML or JSON into resources, and puts
// it back together.
//
// Only what is needed is parsed. What nobody replaces comes back byte for byte. What
// is replaced keeps its comments, indentation, quoting and line endings wherever the
// change did not touch them.
//
// A scanner tells what need not be parsed. It understands the plain part of YAML;
// what it does not understand, the YAML reader gets.
//
// The package knows documents and bytes, and nothing of what a resource means.
package stream
