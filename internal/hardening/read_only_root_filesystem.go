package hardening

// requireReadOnlyRoot is no part of the standard: Flux ships its controllers so.
func requireReadOnlyRoot(p *pod, c place) {
	p.setTrueOrFalse(c, "readOnlyRootFilesystem", true, false)
}
