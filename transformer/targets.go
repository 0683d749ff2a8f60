package transformer

import (
	"crypto/x509"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/sources"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// Targets applies a config to the resources of a stream and returns what its Flux
// objects connect to afterwards, and the certificates of the bundle. Where the
// outcome has failed there are none. The content of the bundle that is not known is
// left out; unknown says why.
func Targets(config *v1alpha1.FluxTrust, resources []Resource, now time.Time) (targets []probe.Target, roots []*x509.Certificate, unknown string, outcome Outcome) {
	s := newStream(resources, 0)
	r := run(config, s, options{Options: trust.Options{Now: now}})
	outcome = outcomeOf(s, r)
	if outcome.Failed() {
		return nil, nil, "", outcome
	}
	roots, unknown = bundleCertificates(r)
	var after []Resource
	for _, item := range slices.Concat(outcome.Items, outcome.Added) {
		if item != nil {
			after = append(after, Resource{Node: item})
		}
	}
	if config.Spec.Mount.Method == v1alpha1.None {
		unknown = "" // no controller gets the bundle
	}
	return sources.Targets(newStream(after, 0).objects, config), roots, unknown, outcome
}

// bundleCertificates returns the known certificates that the controllers trust,
// and why others are not known.
func bundleCertificates(r *result) (roots []*x509.Certificate, unknown string) {
	if len(r.config.Spec.CABundle) == 0 {
		return nil, ""
	}
	bundles, _ := r.bundles.all()
	for _, b := range bundles {
		for _, c := range b.Certificates {
			if !slices.ContainsFunc(roots, c.Equal) {
				roots = append(roots, c.Certificate)
			}
		}
		unknown = max(unknown, b.Unknown)
	}
	return roots, unknown
}
