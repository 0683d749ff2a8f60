package stream

import "syscall"

// reservesAddresses tells that reserve takes no memory.
const reservesAddresses = true

// reserve returns memory that costs nothing before it is written to. It stays until
// the process ends, as what is read into it does.
func reserve(size int) []byte {
	room, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return make([]byte, size) // where addresses are limited: ulimit -v
	}
	// Large pages take a tenth of the time. A system without them says no.
	_ = syscall.Madvise(room, syscall.MADV_HUGEPAGE)
	return room
}
