package v1alpha1

// refuseUnavailable names every field whose feature this version lacks. A
// field that was written and then ignored would be worse than an error: the
// user would believe in a pin or a mount that is not there.
func (s *Spec) refuseUnavailable(p *problems) {
	refuse := func(path, instead string) {
		p.add(path, "is not available in this version; %s", instead)
	}
	if s.SecurityContext.Profile == OpenShift {
		refuse("spec.securityContext.profile", "write Restricted or None")
	}
}
