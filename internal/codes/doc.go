// Package codes lists the kinds of findings that there are, each with a line that
// explains it. docs/results.md is generated from it.
//
// It does not know who finds what.
package codes
