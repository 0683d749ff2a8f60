package v1alpha1

import "fmt"

// refuseUnavailable names every field whose feature this version lacks. A
// field that was written and then ignored would be worse than an error: the
// user would believe in a pin or a mount that is not there.
func (s *Spec) refuseUnavailable(p *problems) {
	refuse := func(path, instead string) {
		p.add(path, "is not available in this version; %s", instead)
	}
	if s.Mode == Validate {
		refuse("spec.mode", "leave it out or write Transform")
	}
	for i := range s.CABundle {
		e, at := &s.CABundle[i], fmt.Sprintf("spec.caBundle[%d]", i)
		if e.ClusterTrustBundle != nil {
			refuse(at+".clusterTrustBundle", "use a configMap or secret entry")
		}
		if e.Inline != nil {
			refuse(at+".inline", "put the PEM into a ConfigMap and use a configMap entry")
		}
		if len(e.Fingerprints) > 0 {
			refuse(at+".fingerprints", "remove it")
		}
		if len(e.Allow) > 0 {
			refuse(at+".allow", "remove it")
		}
	}
	if m := s.Mount.Method; m == File || m == InitContainerMethod {
		refuse("spec.mount.method", "leave it out or write Directory")
	}
	if s.Mount.SystemRoots == Replace {
		refuse("spec.mount.systemRoots", "leave it out or write Keep")
	}
	if s.Mount.InitContainer.Image != "" {
		refuse("spec.mount.initContainer", "remove it")
	}
	if s.SecurityContext.Profile == OpenShift {
		refuse("spec.securityContext.profile", "write Restricted or None")
	}
	if len(s.Sources) > 0 {
		refuse("spec.sources", "set certSecretRef on the objects themselves")
	}
}
