//go:build !linux

package stream

// reservesAddresses tells that reserve may take memory at once, as Windows does.
const reservesAddresses = false

// reserve returns memory.
func reserve(size int) []byte { return make([]byte, size) }
