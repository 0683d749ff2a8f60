// Package report writes what a command has found, for people and for programs: as text,
// JSON, SARIF, annotations of GitHub, JUnit and Markdown.
//
// A report holds lines that may be shown already (see package quote). Each format quotes
// them once more for its own syntax, so that no name in an input writes a finding, a
// cell or an annotation of its own.
package report
