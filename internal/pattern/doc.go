// Package pattern has regular expressions that are compiled when they are first used: a
// run needs few of them, and to compile all took a tenth of the start-up.
package pattern
