// Package command is the command line: it reads files and standard streams,
// runs the function over them, and says on stderr what happened.
//
// It is the only package that knows standard streams and exit codes.
package command
