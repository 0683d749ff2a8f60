package inventory

import (
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Inventory is what stands in a stream.
type Inventory struct {
	// Workloads, Installers, Sources and Stores are in the order of the stream.
	Workloads  []*Workload
	Installers []*Installer
	Sources    []*Source
	Stores     *Stores
	// Versions are those of the controllers.
	Versions flux.Versions
	// Controllers are those that run, or are installed, whether the config selects
	// them or not.
	Controllers map[string]bool
	// Unknown are the workloads that look like controllers of Flux of a name that is
	// not known, and that nothing selects.
	Unknown []*Workload
	// NoDeployments are the workloads of other kinds with a controller of Flux that nothing
	// selects.
	NoDeployments []*Workload
	// CPUQuotas are the namespaces with a ResourceQuota on limits.cpu, which refuses a
	// container without one.
	CPUQuotas map[string]bool
	// Charts are the names of the sources of charts that install Flux, now and before a
	// build tool changed them.
	Charts []string
	// Substitutions are the Kustomizations by which Flux installs itself.
	Substitutions []*Substitution
	// Additional says which entries of spec.controllers.additional select something.
	Additional map[int]bool
}

// ResourceQuota is the kind of the objects that bound what a namespace may ask for.
const ResourceQuota = "ResourceQuota"

// Of reads the objects of a stream. It needs the config to tell the controllers that
// are selected from the others.
func Of(objects []*krm.Object, c *v1alpha1.Controllers) *Inventory {
	i := &Inventory{Stores: &Stores{}, Versions: flux.Versions{}, Controllers: map[string]bool{}, Additional: map[int]bool{}, CPUQuotas: map[string]bool{}}
	selects := newSelection(c)
	for _, o := range objects {
		for _, w := range workloadsOf(o) {
			i.addWorkload(w, selects)
		}
		for _, s := range storesOf(o) {
			i.Stores.add(s)
		}
		if w := writerOf(o); w != nil {
			i.Stores.writers = append(i.Stores.writers, w)
		}
		if o.Kind() == ResourceQuota && o.Group() == "v1" && o.Before.Loose().Get("spec", "hard", "limits.cpu").Exists() {
			i.CPUQuotas[o.Namespace()] = true
		}
		if s := substitutionOf(o); s != nil {
			i.Substitutions = append(i.Substitutions, s)
		}
		if s := sourceOf(o); s != nil {
			i.Sources = append(i.Sources, s)
		}
	}
	charts := chartsOf(objects) // which may stand behind the HelmRelease that refers to them
	i.Charts = charts.names()
	for _, o := range objects {
		for _, installer := range installersOf(o, charts) {
			i.Installers = append(i.Installers, installer)
			for _, name := range flux.Names() {
				if slices.Contains(installer.Components, name) {
					i.Controllers[name] = true
				}
			}
		}
	}
	return i
}

func (i *Inventory) addWorkload(w *Workload, selects selection) {
	found := selects.containers(w)
	w.Selected = found.selected
	w.Concerned = found.err != nil || len(found.selected) > 0
	if w.Err == nil && !w.Patch { // which says more
		w.Err = found.err
	}
	if w.Kind == v1alpha1.Deployment && len(found.matches)+len(found.additional) == 0 && flux.Unknown(w.Seen) != "" {
		i.Unknown = append(i.Unknown, w)
	}
	if w.Kind != v1alpha1.Deployment && len(found.additional) == 0 && len(selects.included(flux.Find(w.Seen))) > 0 {
		i.NoDeployments = append(i.NoDeployments, w)
	}
	for _, m := range found.matches {
		i.Controllers[m.Controller] = true
		i.Versions.See(m.Controller, flux.Tag(w.Seen.Containers[m.Container].Image))
	}
	for _, at := range found.additional {
		i.Additional[at] = true
	}
	i.Workloads = append(i.Workloads, w)
}
