package transformer

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
)

// Asked is what a run has looked for beyond what the config names.
type Asked struct {
	// Deployments is set where any Deployment may be named, Secrets where any Secret.
	Deployments, Secrets bool
	// SecretNames and ConfigMapNames are those that are referred to, ChartNames those of the
	// sources of charts that install Flux.
	SecretNames, ConfigMapNames, ChartNames []string
}

func askedOf(r *result) Asked {
	stores := r.inventory.Stores
	names := func(kind string, own []string) []string {
		return slices.DeleteFunc(slices.Clone(stores.Asked(kind)), func(name string) bool {
			return name == "" || slices.ContainsFunc(own, func(own string) bool { return strings.Contains(name, own) })
		})
	}
	return Asked{
		r.namesDeployments, stores.AskedAny(),
		names(inventory.Secret, storesOf(r.config)), names(inventory.ConfigMap, configMapsOf(r.config)), r.inventory.Charts,
	}
}

// Look calls run with what a run needs: at first without the Deployments, Secrets,
// ConfigMaps and HelmReleases at which nearly no run looks, and again where it has looked
// for one of them. A round that turns out to be of no use parses nothing more. Where names
// lead to names again and again, all is parsed.
func Look(run func(needs NeedsFor) (Outcome, error)) error {
	const most = 5
	var r round
	for range most {
		outcome, err := run(r.needs)
		if r.vain {
			continue
		}
		asked := outcome.Asked
		missed := r.asks(asked)
		switch {
		case err != nil:
			return err
		case asked.Deployments && r.left(string(v1alpha1.Deployment)), asked.Secrets && r.left(inventory.Secret):
			r.whole = true
		case !missed:
			return nil
		}
	}
	_, err := run(func(*v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
		return func(_, _, _ []byte) bool { return true }
	})
	return err
}

// round is a reading of a stream by the first needs. What refers to others is often seen
// before the run: then those behind it are read as well, and where one of those before it
// was left out, the round is in vain.
type round struct {
	// secrets and configMaps are the names of each, charts those of sources of charts.
	secrets, configMaps, charts references
	rows                        map[string]*need
	// whole is set where any Deployment and any Secret is looked at, vain where the round
	// is.
	whole, vain bool
}

// needs is a [NeedsFor].
func (r *round) needs(config *v1alpha1.FluxTrust) func(apiVersion, kind, text []byte) bool {
	r.vain = false
	r.secrets.forget()
	r.configMaps.forget()
	r.charts.forget()
	r.rows = r.firstNeeds(config)
	is := needed(r.rows)
	return func(apiVersion, kind, text []byte) bool {
		if !is(apiVersion, kind, text) {
			return false
		}
		switch string(kind) {
		case string(v1alpha1.Deployment), inventory.Secret, inventory.ConfigMap:
		case flux.OCIRepository, flux.HelmChart:
			r.seeChart(text)
			r.see(text)
		default:
			r.see(text)
		}
		return !r.vain
	}
}

// firstNeeds is needsOf without Deployments in which nothing speaks of Flux, and without
// what nothing refers to.
func (r *round) firstNeeds(config *v1alpha1.FluxTrust) map[string]*need {
	needs := needsOf(config)
	configMaps := needs[inventory.ConfigMap]
	configMaps.named, configMaps.part = &r.configMaps, metadata
	for _, kind := range []string{flux.OCIRepository, flux.HelmChart} { // another one of the name says that nothing says which
		if n := needs[kind]; !n.every {
			n.named, n.part = &r.charts, metadata
		}
	}
	if r.whole {
		return needs
	}
	if !slices.ContainsFunc(config.Spec.Controllers.Additional, func(a v1alpha1.AdditionalController) bool { return a.Kind == v1alpha1.Deployment }) {
		// Labels may say that another one is a part of Flux.
		needs[string(v1alpha1.Deployment)] = &need{marks: append(words("flux"), marks(v1alpha1.OwnMark, flux.Names()...)...)}
	}
	needs[inventory.Secret] = &need{marks: marks(v1alpha1.OwnMark, storesOf(config)...), named: &r.secrets, part: metadata}
	// Values of the charts of Flux, which often stand before the HelmRelease.
	configMaps.marks = append(configMaps.marks, words("kustomize")...)
	needs[flux.HelmRelease] = &need{marks: append(words(flux.Charts()...), newMark(v1alpha1.OwnMark)), named: &r.charts, part: chartRef}
	return needs
}

// left reports whether a resource of a kind was left out.
func (r *round) left(kind string) bool {
	n := r.rows[kind]
	return n != nil && n.left
}

// asks reports whether a run has looked for what was left out.
func (r *round) asks(asked Asked) bool {
	missed := false
	for _, of := range []struct {
		references *references
		names      []string
	}{{&r.secrets, asked.SecretNames}, {&r.configMaps, asked.ConfigMapNames}, {&r.charts, asked.ChartNames}} {
		for _, name := range of.names {
			missed = of.references.ask(name) || missed
		}
	}
	return missed
}

// see notes the names of Secrets and ConfigMaps to which a text seems to refer. Where it
// does not say them, the run will.
func (r *round) see(text []byte) {
	covered := 0 // by what was read
	for at := range keysIn(text, "valuesFrom") {
		if at < covered {
			continue
		}
		values := block(text, at)
		covered = at + len(values)
		for name := range namesIn(values, text) {
			r.refer(&r.secrets, name)
			r.refer(&r.configMaps, name)
		}
	}
	for at := range keysIn(text, "ecretRef") {
		for name := range namesIn(text[at:min(at+nearby, len(text))], text) {
			r.refer(&r.secrets, name)
			break
		}
	}
}

// nearby is how far around a key is looked, in bytes: text may be one long line.
const nearby = 1 << 10

// keysIn returns the offsets of what seems to be the end of a key, outside of comments.
func keysIn(text []byte, key string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for next := 0; ; next += len(key) {
			at := bytes.Index(text[next:], []byte(key))
			if at < 0 {
				return
			}
			next += at
			before := text[max(0, next-nearby):next]
			line := before[1+bytes.LastIndexByte(before, '\n'):]
			rest := bytes.TrimLeft(text[next+len(key):], spaces+`"'`)
			if len(rest) > 0 && rest[0] == ':' && bytes.IndexByte(line, '#') < 0 && !yield(next) {
				return
			}
		}
	}
}

func (r *round) refer(to *references, name string) {
	if name != "" {
		r.vain = to.ask(name) || r.vain
	}
}

// seeChart notes the name of what seems to be the source of a chart that installs Flux.
// Where the name itself says so, so does what refers to it.
func (r *round) seeChart(text []byte) {
	charts := words(flux.Charts()...)
	says := func(text []byte) bool {
		return slices.ContainsFunc(charts, func(m mark) bool { return m.in(text) })
	}
	if !says(text) {
		return
	}
	for name := range namesIn(metadata(text), text) {
		if !says([]byte(name)) {
			r.refer(&r.charts, name)
		}
	}
}
