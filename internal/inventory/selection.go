package inventory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// selection says which workloads the config is about.
type selection struct {
	config *v1alpha1.Controllers
	// selectors are those of config.Additional.
	selectors []labels.Selector
}

func newSelection(c *v1alpha1.Controllers) selection {
	s := selection{config: c}
	for _, a := range c.Additional {
		selector, err := labels.Parse(a.LabelSelector)
		if err != nil { // the config has been checked
			selector = labels.Nothing()
		}
		s.selectors = append(s.selectors, selector)
	}
	return s
}

// Includes reports whether a config is about a controller.
func Includes(c *v1alpha1.Controllers, controller string) bool {
	name := v1alpha1.Controller(controller)
	return (len(c.Include) == 0 || slices.Contains(c.Include, name)) && !slices.Contains(c.Exclude, name)
}

// selected is what a config selects of a workload.
type selected struct {
	// selected are the indexes of the containers to change.
	selected []int
	// matches are the containers that run a Flux controller.
	matches []flux.Match
	// additional are the entries of config.Additional that select it.
	additional []int
	err        error
}

func (s selection) containers(w *Workload) selected {
	found := selected{additional: s.additional(w)}
	if w.Kind != v1alpha1.Deployment && len(found.additional) == 0 {
		return found // Flux has Deployments only
	}
	found.matches = flux.Find(w.Seen)
	found.selected = s.included(found.matches)
	switch {
	case len(found.matches) > 0:
	case len(found.additional) > 0 && len(w.Seen.Containers) > 0:
		found.selected = mainContainers(w)
	case len(found.additional) > 0 || s.isBroken(w):
		found.err = &krm.FieldError{
			Code: codes.NoContainer, Path: strings.TrimPrefix(w.In(w.Object.Before.Loose()).Path+".spec.template.spec", "."),
			Message: "this is a controller by its name and labels, and has no container that could run one; " +
				"give the Deployment its containers, or name it under spec.controllers.exclude",
		}
	}
	return found
}

// included returns the containers of controllers that the config wants changed.
func (s selection) included(matches []flux.Match) []int {
	var containers []int
	for _, m := range matches {
		if Includes(s.config, m.Controller) {
			containers = append(containers, m.Container)
		}
	}
	return containers
}

// isBroken reports whether a workload says that it is a controller, and has no
// container that could run it.
func (s selection) isBroken(w *Workload) bool {
	claimed := flux.Claimed(w.Seen)
	return claimed != "" && Includes(s.config, claimed) && (len(w.Seen.Containers) == 0 || w.Seen.Labels["app.kubernetes.io/component"] == claimed)
}

// additional returns the entries of the config that select a workload.
func (s selection) additional(w *Workload) []int {
	var found []int
	for i, a := range s.config.Additional {
		if a.Kind == w.Kind && (a.Name == "" || slices.Contains(w.Seen.Names, a.Name)) &&
			(a.Namespace == "" || slices.Contains(w.Object.Namespaces, a.Namespace)) && s.selectors[i].Matches(labels.Set(w.Seen.Labels)) {
			found = append(found, i)
		}
	}
	return found
}
