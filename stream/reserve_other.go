//go:build !linux

package stream

// reserve returns memory. The systems that we know of give it when it is written
// to.
func reserve(size int) []byte { return make([]byte, size) }
