package inventory

import (
	"path"
	"slices"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Installer is an object from which controllers are made in the cluster.
type Installer struct {
	Object *krm.Object
	// Set is the ResourceSet that it stands in, as the resource of an index, or nil.
	Set      *krm.Object
	Resource int
	// Kind is the row that says where its patches stand.
	Kind flux.Installer
	// Namespaces of the controllers, now and before a build tool changed it.
	Namespaces []string
	// Components that are installed, or may be.
	Components []string
	// OpenShift is set where the platform sets the securityContext.
	OpenShift bool
	// Templated is the field that holds a template where a change would stand, or "".
	Templated string
	// Err says why the object cannot be changed.
	Err error
}

// installerOf returns the installer that an object is, or nil.
func installerOf(o *krm.Object, charts charts) *Installer {
	kinds := slices.DeleteFunc(flux.Installers(), func(k flux.Installer) bool { return k.Kind != o.Kind() || k.Group != o.Group() })
	if len(kinds) == 0 {
		return nil
	}
	chart := ""
	if o.Kind() == flux.HelmRelease {
		chart = charts.of(o)
	}
	at := slices.IndexFunc(kinds, func(k flux.Installer) bool { return k.Chart == chart })
	if at < 0 {
		return nil
	}
	root, errs := o.Before.Aside()
	i := &Installer{Object: o, Kind: kinds[at], Namespaces: o.Namespaces, Err: o.Err()}
	if target := root.Peek("spec", "targetNamespace"); target != "" && chart != "" {
		i.Namespaces = []string{target}
	}
	var instance krm.Field // absent, where nothing says what is installed
	if i.Kind.Spec != nil {
		instance = root.Get(i.Kind.Spec...)
	}
	for _, c := range instance.Items("components") {
		i.Components = append(i.Components, c.Text())
	}
	switch {
	case i.Kind.Operator:
		i.Components = []string{flux.Operator}
	case len(i.Components) == 0:
		i.Components = flux.Components() // a target that matches nothing does no harm
	}
	i.OpenShift = instance.Text("cluster", "type") == "openshift"
	if i.Err == nil {
		i.Err = errs.Err()
	}
	return i
}

// charts holds the names of the charts in the sources of the stream, by the object
// that a HelmRelease refers to.
type charts map[chartRef]string

type chartRef struct{ kind, namespace, name string }

func chartsOf(objects []*krm.Object) charts {
	found := charts{}
	for _, o := range objects {
		if kind := o.Kind(); o.Group() != flux.SourceGroup || kind != flux.OCIRepository && kind != flux.HelmChart {
			continue
		}
		chart := path.Base(o.Before.Peek("spec", "url") + o.Before.Peek("spec", "chart"))
		for _, name := range o.Names {
			for _, namespace := range o.Namespaces {
				found[chartRef{o.Kind(), namespace, name}] = chart
			}
			anywhere := chartRef{o.Kind(), anyNamespace, name}
			if other, taken := found[anywhere]; taken && other != chart {
				chart = "" // nothing says which
			}
			found[anywhere] = chart
		}
	}
	return found
}

// names returns the names of the objects whose chart installs Flux.
func (c charts) names() []string {
	var names []string
	installing := flux.Charts()
	for ref, chart := range c {
		if slices.Contains(installing, chart) {
			names = append(names, ref.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// of returns the name of the chart of a HelmRelease: from the release itself, from
// the source that it refers to, or from the name of that source. The source is in the
// namespace of the release, or in the one that it names; what has no namespace may be
// put into any.
func (c charts) of(release *krm.Object) string {
	if chart := release.Before.Peek("spec", "chart", "spec", "chart"); chart != "" {
		return path.Base(chart)
	}
	ref := release.Before.Loose().Get("spec", "chartRef")
	namespaces := slices.Concat(release.Namespaces, []string{""})
	if named := ref.Peek("namespace"); named != "" {
		namespaces = []string{named, ""}
	} else if slices.Contains(release.Namespaces, "") {
		namespaces = append(namespaces, anyNamespace)
	}
	for _, namespace := range namespaces {
		if chart := c[chartRef{ref.Peek("kind"), namespace, ref.Peek("name")}]; chart != "" {
			return chart
		}
	}
	return ref.Peek("name")
}
