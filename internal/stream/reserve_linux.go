package stream

import "syscall"

// reservesAddresses tells that reserve takes no memory.
const reservesAddresses = true

// reserve returns memory that costs nothing before it is written to. It stays until
// the process ends, as what is read into it does.
func reserve(size int) []byte {
	const large = 2 << 20 // the size of a large page
	// A multiple of it starts at one.
	room, err := syscall.Mmap(-1, 0, (size+large-1)/large*large, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return make([]byte, size) // where addresses are limited: ulimit -v
	}
	// Large pages take a tenth of the time. A system without them says no. The last
	// one would be filled in part only.
	_ = syscall.Madvise(room[:size/large*large], syscall.MADV_HUGEPAGE)
	return room[:size]
}
