package transformer

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
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
	*editor
	report report

	// controllers are the indexes of the containers that run a controller.
	controllers []int
	// security is what the config says about the securityContext.
	security *v1alpha1.SecurityContext
	// claimed tells whether an earlier run of the same config was here.
	claimed  bool
	previous previous
	// sources are those of the volume.
	sources []source
	verdict *Verdict
}

// owner returns the name of the FluxTrust that has changed a Deployment.
func (w *workload) owner() (string, error) {
	return w.marked.textAt("metadata", "annotations", configAnnotation)
}

// ownerPath is where the owner is written.
func (w *workload) ownerPath() string {
	return strings.TrimPrefix(w.marked.path+".metadata.annotations."+configAnnotation, ".")
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
	p := d.hardened()
	// What is hardened stays, and what is trusted may go again. So it comes last,
	// behind the rest.
	if d.security.Profile != v1alpha1.NoProfile {
		if err := p.harden(); err != nil {
			return err
		}
		for _, name := range p.excepted {
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
	evaluator, err := t.evaluator()
	if err != nil {
		return fmt.Errorf("the Pod Security evaluator cannot start: %w", err)
	}
	if d.verdict, err = p.judge(evaluator); err == nil {
		d.verdict.Namespace, d.verdict.Name = d.report.ref.Namespace, d.seen.Names[0]
	}
	return err
}

// hardened returns the pod template for hardening, which shares the editor.
func (d *deployment) hardened() *pod {
	p := &pod{editor: d.editor, report: d.report, config: d.security, template: d.podTemplate, spec: d.pod, controllers: d.controllers, ownVolume: bundleVolume}
	if d.claimed {
		p.own = initContainer
	}
	return p
}

// trust gives the bundle to every controller container.
func (d *deployment) trust(t *transform, owner string) error {
	if owner != "" && !d.claimed {
		return &fieldError{path: d.ownerPath(), message: fmt.Sprintf(
			"FluxTrust %q has changed this Deployment already; use one config per Deployment, or give both the same metadata.name", owner)}
	}
	before := d.changed
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
	if d.changed != before {
		names := make([]string, len(d.sources))
		for i, s := range d.sources {
			names[i] = s.String()
		}
		d.report.did(framework.Info, change{path: d.pod.path + ".volumes.[name=" + caVolume + "]"},
			"trusts %s, mounted at %s", strings.Join(names, ", "), config.Path)
	}
	return nil
}

// annotateTemplate writes the digest into the pod template, or takes an old one
// away.
func (d *deployment) annotateTemplate(digest string) error {
	if digest == "" {
		meta, err := d.podTemplate.get("metadata")
		if err != nil {
			return err
		}
		annotations, err := meta.get("annotations")
		if err != nil {
			return err
		}
		d.removeEmpty(meta, "annotations", d.remove(annotations, digestAnnotation))
		d.removeEmpty(d.podTemplate, "metadata", meta.exists() && len(meta.node.Content) == 0)
		return nil
	}
	annotations, err := d.ensure(d.podTemplate, "metadata", "annotations")
	if err != nil {
		return err
	}
	if have, err := annotations.textAt(digestAnnotation); err != nil || have == digest {
		return err
	}
	d.putText(annotations, digestAnnotation, digest)
	return nil
}

// release takes back what an earlier run of the same config did for trust.
// What it hardened stays.
func (d *deployment) release() error {
	if owner, err := d.owner(); err != nil || !d.claimed {
		if owner != "" {
			d.report.add(framework.Warning, change{path: d.ownerPath()},
				"FluxTrust %q has changed this Deployment, and only a config of that name takes its work out again", owner)
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
	meta, err := d.marked.get("metadata")
	if err != nil {
		return err
	}
	annotations, err := meta.get("annotations")
	if err != nil {
		return err
	}
	d.remove(annotations, configAnnotation)
	d.remove(annotations, previousAnnotation)
	d.removeEmpty(meta, "annotations", true)
	d.report.did(framework.Info, change{path: d.pod.path + ".volumes.[name=" + caVolume + "]"}, "no longer trusts the CA bundle: what an earlier run mounted is removed")
	return nil
}

// mark writes down whose work this is, and what was there before.
func (d *deployment) mark(config string) error {
	annotations, err := d.ensure(d.marked, "metadata", "annotations")
	if err != nil {
		return err
	}
	if have, err := annotations.textAt(configAnnotation); err != nil {
		return err
	} else if have != config {
		d.putText(annotations, configAnnotation, config)
	}
	if len(d.previous) == 0 {
		d.remove(annotations, previousAnnotation)
		return nil
	}
	before, err := json.Marshal(d.previous)
	if err != nil {
		return fmt.Errorf("encoding the annotation %s: %w", previousAnnotation, err)
	}
	if have, err := annotations.textAt(previousAnnotation); err != nil || have == string(before) {
		return err
	}
	d.putText(annotations, previousAnnotation, string(before))
	return nil
}
