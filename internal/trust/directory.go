package trust

import "fluxtrust.dev/flux-trust/api/v1alpha1"

// The method Directory mounts the projected volume beside the public roots, and names
// it in SSL_CERT_DIR.

func directoryEnv(m *v1alpha1.Mount) []variable {
	if m.SystemRoots == v1alpha1.Replace {
		return []variable{fixed(certDir, m.Path), fixed(certFile, noFile)}
	}
	return []variable{{name: certDir, value: func(before *string) string { return withDir(before, m.Path) }}}
}

func planDirectory(_ *Pod, s *Settings, _ []Projection) plan {
	return plan{mounts: []mount{{Name: v1alpha1.CAVolume, MountPath: s.Mount.Path, ReadOnly: true}}}
}
