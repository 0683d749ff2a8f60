package transformer

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Annotations of a Deployment that the function has changed.
const (
	// configAnnotation holds the metadata.name of the FluxTrust whose work it is.
	configAnnotation = "fluxtrust.dev/config"
	// previousAnnotation holds what was there before, see type previous.
	previousAnnotation = "fluxtrust.dev/previous"
)

// digestAnnotation of the pod template holds the digest of the certificates, so
// that a new root restarts the pods and a new comment does not.
const digestAnnotation = "fluxtrust.dev/ca-bundle"

// deployment is a Deployment that is being changed.
type deployment struct {
	*workload
	*krm.Editor
	report krm.Report

	// controllers are the indexes of the containers that run a controller.
	controllers []int
	// security is what the config says about the securityContext.
	security *v1alpha1.SecurityContext
	// claimed tells whether an earlier run of the same config was here.
	claimed  bool
	previous previous
	// sources are those of the volume.
	sources []source
	verdict *hardening.Verdict
}

// owner returns the name of the FluxTrust that has changed a Deployment.
func (w *workload) owner() (string, error) {
	return w.marked.TextAtE("metadata", "annotations", configAnnotation)
}

// ownerPath is where the owner is written.
func (w *workload) ownerPath() string {
	return strings.TrimPrefix(w.marked.Path+".metadata.annotations."+configAnnotation, ".")
}

// apply makes a Deployment what the config asks for.
func (d *deployment) apply(t *transform) error {
	owner, err := d.owner()
	if err != nil {
		return err
	}
	if t.patching && owner != "" {
		return errPatched()
	}
	d.claimed = owner == t.config.Metadata.Name
	if err := d.warnCertFile(&t.config.Spec.Mount); err != nil {
		return err
	}
	d.security = &t.config.Spec.SecurityContext
	// What is hardened stays, and what is trusted may go again. So it comes last,
	// behind the rest.
	var before krm.Field
	if d.security.Profile != v1alpha1.NoProfile {
		if before, err = d.harden(); err != nil {
			return err
		}
		for _, name := range hardening.Excepted(before, d.security) {
			t.seen["container "+name] = true
		}
	}
	if t.config.Spec.Mount.Method == v1alpha1.None {
		err = d.release()
	} else {
		err = d.trust(t, owner)
	}
	if err != nil || d.security.Profile == v1alpha1.NoProfile {
		return err
	}
	return d.judge(before)
}

// trust gives the bundle to every controller container.
func (d *deployment) trust(t *transform, owner string) error {
	if owner != "" && !d.claimed {
		return &krm.FieldError{Path: d.ownerPath(), Message: fmt.Sprintf(
			"FluxTrust %q has changed this Deployment already; put further roots into its caBundle, or, if this config is to check or replace that one, give it the same metadata.name", quote.Name(owner))}
	}
	before := d.Changed
	if err := d.readPrevious(); err != nil {
		return err
	}
	roots := t.roots(d.namespaces)
	if roots.err != nil {
		return roots.err
	}
	config := &t.config.Spec.Mount
	p, err := d.plan(config, roots)
	if err != nil {
		return err
	}
	if err := d.reconcile(p); err != nil {
		return err
	}
	if err := d.annotateTemplate(roots.digest); err != nil {
		return err
	}
	if err := d.mark(t.config.Metadata.Name); err != nil {
		return err
	}
	if d.Changed != before {
		names := make([]string, len(d.sources))
		for i, s := range d.sources {
			names[i] = s.String()
		}
		d.report.Did(framework.Info, krm.Change{Path: d.pod.Path + ".volumes.[name=" + caVolume + "]"},
			"trusts %s, mounted at %s", strings.Join(names, ", "), config.Path)
	}
	return nil
}

// annotateTemplate writes the digest into the pod template, or takes an old one
// away.
func (d *deployment) annotateTemplate(digest string) error {
	if digest == "" {
		meta, err := d.podTemplate.GetE("metadata")
		if err != nil {
			return err
		}
		annotations, err := meta.GetE("annotations")
		if err != nil {
			return err
		}
		d.RemoveEmpty(meta, "annotations", d.Remove(annotations, digestAnnotation))
		d.RemoveEmpty(d.podTemplate, "metadata", meta.Exists() && len(meta.Node.Content) == 0)
		return nil
	}
	annotations, err := d.EnsureE(d.podTemplate, "metadata", "annotations")
	if err != nil {
		return err
	}
	if have, err := annotations.TextAtE(digestAnnotation); err != nil || have == digest {
		return err
	}
	d.PutText(annotations, digestAnnotation, digest)
	return nil
}

// release takes back what an earlier run of the same config did for trust.
// What it hardened stays.
func (d *deployment) release() error {
	if owner, err := d.owner(); err != nil || !d.claimed {
		if owner != "" {
			d.report.Add(framework.Warning, krm.Change{Path: d.ownerPath()},
				"FluxTrust %q has changed this Deployment, and only a config of that name takes its work out again", quote.Name(owner))
		}
		return err
	}
	if err := d.readPrevious(); err != nil {
		return err
	}
	if err := d.reconcile(plan{}); err != nil {
		return err
	}
	if err := d.annotateTemplate(""); err != nil {
		return err
	}
	meta, err := d.marked.GetE("metadata")
	if err != nil {
		return err
	}
	annotations, err := meta.GetE("annotations")
	if err != nil {
		return err
	}
	d.Remove(annotations, configAnnotation)
	d.Remove(annotations, previousAnnotation)
	d.RemoveEmpty(meta, "annotations", true)
	d.report.Did(framework.Info, krm.Change{Path: d.pod.Path + ".volumes.[name=" + caVolume + "]"}, "no longer trusts the CA bundle: what an earlier run mounted is removed")
	return nil
}

// mark writes down whose work this is, and what was there before.
func (d *deployment) mark(config string) error {
	annotations, err := d.EnsureE(d.marked, "metadata", "annotations")
	if err != nil {
		return err
	}
	if have, err := annotations.TextAtE(configAnnotation); err != nil {
		return err
	} else if have != config {
		d.PutText(annotations, configAnnotation, config)
	}
	if len(d.previous) == 0 {
		d.Remove(annotations, previousAnnotation)
		return nil
	}
	before, err := json.Marshal(d.previous)
	if err != nil {
		return fmt.Errorf("encoding the annotation %s: %w", previousAnnotation, err)
	}
	if have, err := annotations.TextAtE(previousAnnotation); err != nil || have == string(before) {
		return err
	}
	d.PutText(annotations, previousAnnotation, string(before))
	return nil
}
