package transformer

import (
	"slices"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// reconcile makes a pod what a plan says, and takes away what an earlier run of
// another plan has left. Entries of the user stay where they are.
func (d *deployment) reconcile(p plan) error {
	if err := d.checkNames(); err != nil {
		return err
	}
	if err := d.reconcileVolumes(p); err != nil {
		return err
	}
	var inits []any
	if p.initContainer != nil {
		inits = []any{p.initContainer}
	}
	if err := d.ReconcileListE(d.pod, "initContainers", krm.IsNamedE(initContainer), inits); err != nil {
		return err
	}
	containers, err := d.containers("containers")
	if err != nil {
		return err
	}
	for i, c := range containers {
		mounts, env := p.mounts, p.env
		if !slices.Contains(d.controllers, i) {
			mounts, env = nil, nil
		}
		dir, err := d.mountedAt(c)
		if err != nil {
			return err
		}
		if err := d.reconcileMounts(c, mounts); err != nil {
			return err
		}
		if err := d.reconcileEnv(c, env, dir); err != nil {
			return err
		}
		if err := checkReads(c, p.reads); err != nil && mounts != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses names that the function writes and somebody else has taken.
func (d *deployment) checkNames() error {
	if d.claimed {
		return nil
	}
	taken := map[string][]string{"volumes": {caVolume, bundleVolume}, "initContainers": {initContainer}}
	for _, key := range []string{"volumes", "initContainers"} {
		list, err := d.pod.GetE(key)
		if err != nil {
			return err
		}
		for _, name := range taken[key] {
			found, err := list.NamedE(name)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				return found[0].Errorf("an entry of this name exists, and no annotation %s says that flux-trust wrote it; rename it", configAnnotation)
			}
		}
	}
	return nil
}
