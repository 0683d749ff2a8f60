package transformer

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Objects from which controllers are made in the cluster. Their controllers are
// in no stream, so they get patches.
const (
	fluxInstanceKind = "FluxInstance"
	helmReleaseKind  = "HelmRelease"
	helmChartKind    = "HelmChart"
)

// Charts that install Flux.
const (
	fluxInstanceChart = "flux-instance"
	flux2Chart        = "flux2"
)

// holder is an object that takes patches for the controllers it installs.
type holder struct {
	krm.Field
	stock
	// chart of a HelmRelease, or "".
	chart string
}

// isHolder tells whether an object may be a holder, by its kind.
func isHolder(object krm.Field) bool {
	group, _, _ := strings.Cut(object.TextOr("apiVersion"), "/")
	switch object.TextOr("kind") {
	case fluxInstanceKind:
		return group == "fluxcd.controlplane.io"
	case helmReleaseKind:
		return group == "helm.toolkit.fluxcd.io"
	default:
		return false
	}
}

// targets returns what in a resource the function may change: workloads and
// holders.
func targets(resource krm.Field) []manifest {
	found := workloads(resource)
	for _, object := range krm.Flatten(resource) {
		if isHolder(object) {
			found = append(found, manifest{resource: object, object: object})
		}
	}
	return found
}

// holder reads an object, or returns nil when it installs something else.
func (t *transform) holder(object krm.Field) (*holder, error) {
	h := &holder{Field: object}
	meta, err := object.GetE("metadata")
	if err != nil {
		return nil, err
	}
	if h.namespaces, err = currentAndPrevious(meta, "namespace", previousNamespacesAnnotation); err != nil {
		return nil, err
	}
	var instance krm.Field
	if object.TextOr("kind") == helmReleaseKind {
		switch h.chart = t.chart(object); h.chart {
		case fluxInstanceChart:
			instance, err = object.AtE("spec", "values", "instance")
		case flux2Chart:
			// Its values say nothing that matters here.
		default:
			return nil, nil
		}
		if target := object.TextOr("spec", "targetNamespace"); target != "" {
			h.namespaces = []string{target}
		}
	} else {
		instance, err = object.GetE("spec")
	}
	if err != nil {
		return nil, err
	}
	components, err := instance.EntriesE("components")
	if err != nil {
		return nil, err
	}
	for _, c := range components {
		name, err := c.TextE()
		if err != nil {
			return nil, err
		}
		h.components = append(h.components, name)
	}
	if len(components) == 0 {
		h.components = flux.Components() // a target that matches nothing does no harm
	}
	platform, err := instance.TextAtE("cluster", "type")
	h.openShift = platform == "openshift"
	return h, err
}

// chart returns the name of the chart of a HelmRelease: from the release itself,
// from the source in the stream that it refers to, or from the name of that
// source.
func (t *transform) chart(release krm.Field) string {
	if chart := release.TextOr("spec", "chart", "spec", "chart"); chart != "" {
		return path.Base(chart)
	}
	ref := chartSource{release.TextOr("spec", "chartRef", "kind"), release.TextOr("spec", "chartRef", "name")}
	if chart, ok := t.charts()[ref]; ok {
		return chart
	}
	return ref.name
}

// chartSource is what the chartRef of a HelmRelease names.
type chartSource struct{ kind, name string }

// chartsIn returns the names of the charts in the sources among the resources, of
// which there may be as many as there are releases.
func chartsIn(resources []Resource) map[chartSource]string {
	charts := map[chartSource]string{}
	for _, r := range resources {
		for _, object := range krm.Flatten(krm.Field{Node: r.Node.YNode()}) {
			s := chartSource{object.TextOr("kind"), object.TextOr("metadata", "name")}
			if _, taken := charts[s]; !taken {
				charts[s] = path.Base(object.TextOr("spec", "url") + object.TextOr("spec", "chart"))
			}
		}
	}
	return charts
}

// instance makes the patches of a holder those that the config asks for.
func (t *transform) instance(m manifest, report krm.Report) (bool, error) {
	object := m.resource
	h, err := t.holder(object)
	if err != nil || h == nil {
		return false, err
	}
	if err := krm.CheckKeys(object); err != nil {
		return false, err
	}
	made, err := t.stockPatches(h.stock, report)
	if err != nil {
		return false, err
	}
	if t.patching {
		t.instances = append(t.instances, made...)
		t.outcome.Controllers++
		return false, nil
	}
	e := t.editor(report)
	owned, err := t.reconcilePatches(h, e, made)
	if err != nil {
		return false, err
	}
	if len(made) > 0 {
		if err := h.reportOthers(report); err != nil {
			return false, err
		}
	}
	t.countHolder(h, e.Changed, owned, len(made) > 0)
	at := krm.Change{Path: h.listPath()}
	switch {
	case !e.Changed:
	case len(made) > 0:
		report.Did(framework.Info, at, "patches the controllers that it installs: %s", patchedNames(made))
	default:
		report.Did(framework.Info, at, "no longer patches the controllers that it installs")
	}
	return e.Changed, nil
}

// countHolder counts a holder as one controller.
func (t *transform) countHolder(h *holder, changed, owned, patched bool) {
	switch {
	case patched || t.config.Spec.Mount.Method == v1alpha1.None && slices.ContainsFunc(h.components, t.includes):
		t.outcome.Controllers++
		if changed {
			t.outcome.Changed++
		}
	case owned:
		t.outcome.Released++
	}
}

func patchedNames(made []patches.Patch) string {
	names := make([]string, len(made))
	for i, p := range made {
		names[i] = quote.Name(p.Target.Name)
	}
	return strings.Join(names, ", ")
}
