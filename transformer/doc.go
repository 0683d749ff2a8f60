// Package transformer is the function: it takes the resources of a stream and
// a config, and gives the Flux controllers among them the CA bundle and a
// restricted securityContext.
//
// Resources go in and come out as YAML nodes; a changed one is a changed copy,
// so that an error leaves everything as it was. It knows no files, no standard
// streams and no command line.
package transformer
