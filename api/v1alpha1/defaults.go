package v1alpha1

import "fluxtrust.dev/flux-trust/internal/bundle"

// DefaultDirectory is where the method Directory mounts the roots.
const DefaultDirectory = "/etc/ssl/flux-trust"

// SystemDirectory is where the images of Flux keep the public roots, and where
// the method File mounts its files by default.
const SystemDirectory = "/etc/ssl/certs"

// InitMount is where the init container of the method InitContainer finds the
// roots to add.
const InitMount = "/flux-trust"

// DefaultSecretKey is the key of a Secret that holds the CA by convention
// (cert-manager, Flux).
const DefaultSecretKey = "ca.crt"

// Default fills in every field that was left out. It is the only place that
// knows the defaults.
func (f *FluxTrust) Default() {
	s := &f.Spec
	setDefault(&s.Mode, Transform)
	setDefault(&s.OnNoControllers, Error)
	setDefault(&s.Mount.Method, Directory)
	if s.Mount.Method == File {
		setDefault(&s.Mount.Path, SystemDirectory)
	}
	setDefault(&s.Mount.Path, DefaultDirectory)
	setDefault(&s.Mount.SystemRoots, Keep)
	setDefault(&s.SecurityContext.Profile, Restricted)
	if s.Proxy != nil && s.Proxy.SecretRef != nil {
		setDefault(&s.Proxy.SecretRef.Key, DefaultProxyKey)
	}
	for i := range s.Controllers.Additional {
		setDefault(&s.Controllers.Additional[i].Kind, Deployment)
	}
	for i := range s.CABundle {
		if secret := s.CABundle[i].Secret; secret != nil && len(secret.Keys) == 0 {
			secret.Keys = []string{DefaultSecretKey}
		}
		for j, f := range s.CABundle[i].Fingerprints {
			if pin, ok := bundle.ParseFingerprint(f); ok {
				s.CABundle[i].Fingerprints[j] = pin
			}
		}
	}
}

func setDefault[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}
