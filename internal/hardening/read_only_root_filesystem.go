package hardening

// requireReadOnlyRoot is not part of the standard: Flux ships its controllers so.
func requireReadOnlyRoot(p *pod, c place) {
	p.setTrueOrFalse(c, "readOnlyRootFilesystem", true, false)
}
