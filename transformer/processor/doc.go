// Package processor offers the function to programs that are built with kyaml's
// framework. It alone imports the framework, so that flux-trust itself need not.
package processor
