package sources

import (
	"maps"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// The keys of Secrets whose values count; of others it counts that they are there.
func certKeys() []string {
	return []string{"ca.crt", "tls.crt", "tls.key", "caFile", "certFile", "keyFile"}
}

func authKeys() []string {
	return append(certKeys(), "address", "proxy", ".dockerconfigjson", ".dockercfg", "githubAppBaseURL")
}

func proxyKeys() []string { return []string{"address", "username", "password"} }

// secret returns the Secret of a name beside an object, as far as the values of some
// keys are known, or nil where there is no name.
func (r *reader) secret(o *krm.Object, name string, keys []string) *probe.Secret {
	if name == "" {
		return nil
	}
	s := &probe.Secret{Namespace: o.Namespace(), Name: name}
	store, _ := r.Stores.Find(inventory.Secret, name, o.Namespaces)
	switch {
	case store == nil:
		s.Unknown = "it is not among the inputs"
		return s
	case store.Err != nil:
		s.Unknown = "it cannot be read"
		return s
	case store.Unknown != "":
		s.Unknown = store.Unknown
		return s
	}
	s.Type, s.Data = store.Object.Before.Peek("type"), map[string][]byte{}
	for _, key := range slices.Sorted(maps.Keys(store.Values)) {
		value := store.Values[key]
		if slices.Contains(keys, key) {
			if s.Unknown = store.UnknownValue(value); value.Err != nil {
				s.Unknown = "its key " + quote.Key(key) + " is not base64"
			}
			if s.Unknown != "" {
				return s
			}
		}
		s.Data[key] = value.Text
	}
	return s
}

// key is that of an object in a map.
func key(namespace, name string) string { return namespace + "/" + name }

// chartsOf returns the charts that HelmCharts and HelmReleases take from a
// HelmRepository, with the version as a tag.
func chartsOf(objects []*krm.Object) map[string]map[string]string {
	charts := map[string]map[string]string{}
	for _, o := range objects {
		chart := chartOf(o)
		ref := chart.Get("sourceRef")
		name, repository := chart.Peek("chart"), ref.Peek("name")
		if name == "" || repository == "" || ref.Peek("kind") != flux.HelmRepository {
			continue
		}
		namespace := ref.Peek("namespace")
		if namespace == "" {
			namespace = o.Namespace()
		}
		at := key(namespace, repository)
		if charts[at] == nil {
			charts[at] = map[string]string{}
		}
		charts[at][name] = tagOf(chart.Peek("version"))
	}
	return charts
}

// chartOf returns the description of a chart in a HelmChart or a HelmRelease, or an
// absent field.
func chartOf(o *krm.Object) krm.Field {
	spec := o.Before.Loose().Get("spec")
	switch {
	case o.Kind() == "HelmChart" && o.Group() == flux.SourceGroup:
		return spec
	case o.Kind() == "HelmRelease" && o.Group() == "helm.toolkit.fluxcd.io":
		return spec.Get("chart", "spec")
	default:
		return krm.Field{}
	}
}

// tagOf is the tag of a version, or probe.AnyVersion for a range of them.
func tagOf(version string) string {
	numbers, _, _ := strings.Cut(version, "+")
	numbers, _, _ = strings.Cut(numbers, "-")
	if version == "" || strings.ContainsAny(version, "<>=~^*| ,") || strings.ContainsAny(numbers, "xX") || strings.Count(numbers, ".") < 2 {
		return probe.AnyVersion
	}
	return strings.ReplaceAll(version, "+", "_")
}
