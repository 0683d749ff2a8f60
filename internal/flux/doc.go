// Package flux tells which workloads are Flux v2 controllers, and which
// of their containers run one.
//
// It looks at names, labels and images only. It knows nothing of YAML, of the
// config, or of what will be done to a controller.
package flux
