package transformer

import (
	"encoding/json"
	"fmt"
	"slices"

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

// deployment is a Deployment that is being changed.
type deployment struct {
	*workload
	editor
	report report

	// controllers are the indexes of the containers that run a controller.
	controllers []int
	// claimed tells whether an earlier run of the same config was here.
	claimed  bool
	previous previous
	// mountedAt holds, per container, where the earlier run mounted the bundle.
	mountedAt map[string]string
	// sources are those of the volume.
	sources []source
}

// owner returns the name of the FluxTrust that has changed a Deployment.
func (w *workload) owner() (string, error) {
	return w.object.textAt("metadata", "annotations", configAnnotation)
}

// apply makes a Deployment what the config asks for.
func (d *deployment) apply(t *transform) error {
	owner, err := d.owner()
	if err != nil {
		return err
	}
	d.claimed = owner == t.config.Metadata.Name
	if t.config.Spec.Mount.Method == v1alpha1.None {
		err = d.release()
	} else {
		err = d.trust(t, owner)
	}
	if err != nil {
		return err
	}
	if t.config.Spec.SecurityContext.Profile == v1alpha1.Restricted {
		return d.harden(t.config.Spec.SecurityContext.ExceptContainers)
	}
	return nil
}

// trust mounts the bundle into every controller container.
func (d *deployment) trust(t *transform, owner string) error {
	if owner != "" && !d.claimed {
		return &fieldError{path: "metadata.annotations." + configAnnotation, message: fmt.Sprintf(
			"FluxTrust %q has changed this Deployment already; use one config per Deployment, or give both the same metadata.name", owner)}
	}
	before := d.changed
	if err := d.readPrevious(); err != nil {
		return err
	}
	sources, err := t.sources(d.namespaces, d.report)
	if err != nil {
		return err
	}
	if err := d.projectVolume(sources); err != nil {
		return err
	}
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	mountPath := t.config.Spec.Mount.Path
	d.mountedAt = map[string]string{}
	for i, c := range containers {
		if !slices.Contains(d.controllers, i) {
			if err := d.releaseContainer(c); err != nil {
				return err
			}
			continue
		}
		if err := d.rememberMount(c); err != nil {
			return err
		}
		if err := d.mount(c, mountPath); err != nil {
			return err
		}
		if err := d.trustDir(c, mountPath); err != nil {
			return err
		}
	}
	if err := d.mark(t.config.Metadata.Name); err != nil {
		return err
	}
	if d.changed != before {
		d.report.add(framework.Info, change{path: d.pod.path + ".volumes.[name=" + caVolume + "]"},
			"trusts %s, mounted at %s", describeSources(d.sources), mountPath)
	}
	return nil
}

func (d *deployment) rememberMount(container field) error {
	name, err := container.textAt("name")
	if err != nil {
		return err
	}
	mounts, err := container.get("volumeMounts")
	if err != nil {
		return err
	}
	own, err := mounts.named(caVolume)
	if err != nil || len(own) == 0 {
		return err
	}
	d.mountedAt[name], err = own[0].textAt("mountPath")
	return err
}

// release takes back what an earlier run of the same config did for trust.
// What it hardened stays.
func (d *deployment) release() error {
	if !d.claimed {
		return nil
	}
	if err := d.readPrevious(); err != nil {
		return err
	}
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	for _, c := range containers {
		if err := d.releaseContainer(c); err != nil {
			return err
		}
	}
	if err := d.dropVolume(); err != nil {
		return err
	}
	meta, err := d.object.get("metadata")
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
	d.report.add(framework.Info, change{path: d.pod.path + ".volumes.[name=" + caVolume + "]"}, "no longer trusts the CA bundle: what an earlier run mounted is removed")
	return nil
}

func (d *deployment) releaseContainer(container field) error {
	mountPath, err := d.unmount(container)
	if err != nil {
		return err
	}
	return d.restoreDir(container, mountPath)
}

// mark writes down whose work this is, and what was there before.
func (d *deployment) mark(config string) error {
	before, err := json.Marshal(d.previous)
	if err != nil {
		return fmt.Errorf("encoding the annotation %s: %w", previousAnnotation, err)
	}
	annotations, err := d.ensure(d.object, "metadata", "annotations")
	if err != nil {
		return err
	}
	for _, a := range []struct{ key, value string }{{configAnnotation, config}, {previousAnnotation, string(before)}} {
		have, err := annotations.textAt(a.key)
		if err != nil {
			return err
		}
		if have != a.value {
			d.putText(annotations, a.key, a.value)
		}
	}
	return nil
}
