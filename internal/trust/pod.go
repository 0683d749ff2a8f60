package trust

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Settings are what a config says about every pod.
type Settings struct {
	// Owner is the name of the config.
	Owner    string
	Mount    v1alpha1.Mount
	Security v1alpha1.SecurityContext
	Extras   v1alpha1.ControllerExtras
	// LimitCPU is set where a ResourceQuota refuses a container without limits.cpu.
	LimitCPU bool
	// Proxy of the controllers, or nil; Inside are hosts that they reach without it,
	// beside those that every install has.
	Proxy  *v1alpha1.Proxy
	Inside []string
	// ProxySecret returns the name that the Secret with the URL has for a pod in some
	// namespaces.
	ProxySecret func(namespaces []string) string
}

// SettingsOf returns those of a config.
func SettingsOf(c *v1alpha1.FluxTrust) Settings {
	return Settings{Owner: c.Metadata.Name, Mount: c.Spec.Mount, Security: c.Spec.SecurityContext, Extras: c.Spec.Extras, Proxy: c.Spec.Proxy}
}

// Nothing reports whether the config asks for nothing but to take back what an earlier
// run has done.
func (s *Settings) Nothing() bool {
	return s.Mount.Method == v1alpha1.None && s.Proxy == nil && !s.Extras.AcceptNegativeSerials
}

// Pod is a pod template that is to trust a bundle, or no longer is. What is wrong with
// it sticks to its object, and then nothing more is changed.
type Pod struct {
	object   *krm.Object
	settings *Settings
	// template is the pod template, spec its spec, marked has the metadata that say what
	// earlier runs have done.
	template, spec, marked krm.Field
	containers             []flux.Container
	// controllers are the indexes of the containers that run a controller.
	controllers []int
	// claimed is set where an earlier run of the same config was here.
	claimed bool
	record  record
	found   krm.Findings
}

// PodOf returns the pod template of a workload, to be changed.
func PodOf(w *inventory.Workload, s *Settings) *Pod {
	root := w.Object.Edit()
	template := w.In(root).Get("spec", "template")
	p := &Pod{
		object: w.Object, settings: s, template: template, spec: template.Get("spec"), marked: w.Marked(root),
		containers: w.Seen.Containers, controllers: w.Selected,
	}
	p.claimed = p.owner() == s.Owner
	return p
}

// owner returns the name of the FluxTrust that has changed the pod.
func (p *Pod) owner() string {
	return p.marked.Text("metadata", "annotations", v1alpha1.ConfigAnnotation)
}

func (p *Pod) ownerPath() string {
	return strings.TrimPrefix(p.marked.Path+".metadata.annotations."+v1alpha1.ConfigAnnotation, ".")
}

func (p *Pod) fail(code krm.Code, format string, args ...any) {
	p.object.Fail(&krm.FieldError{Code: code, Message: fmt.Sprintf(format, args...)})
}

// Claim refuses a pod that another config has changed, and reads what an earlier run
// has written down.
func (p *Pod) Claim() {
	if owner := p.owner(); owner != "" && !p.claimed {
		p.object.Fail(&krm.FieldError{Code: codes.AnotherConfig, Path: p.ownerPath(), Message: fmt.Sprintf(
			"FluxTrust %q has changed this Deployment already; put further roots into its caBundle, or, if this config is to check or replace that one, give it the same metadata.name", quote.Name(owner))})
	}
	p.readRecord()
}

// Apply gives a bundle to every controller container of a pod that was claimed.
func (p *Pod) Apply(b Bundle) krm.Findings {
	before := yaml.CopyYNode(p.object.After().Node)
	m := methodOf(p.settings.Mount.Method)
	made := m.plan(p, p.settings, b.Projections)
	was := p.spec.Get("volumes").Named(v1alpha1.CAVolume)
	trusted := p.reconcile(b.Projections, made, p.settings.env())
	p.warnLost(b)
	p.annotateTemplate(b.Digest)
	p.mark()
	if p.object.Err() == nil && !krm.Equal(before, p.object.After().Node) {
		names := make([]string, len(trusted))
		for i, t := range trusted {
			names[i] = t.String()
		}
		switch {
		case len(trusted) > 0:
			p.found.Add(krm.Info, codes.Trusts, p.object, krm.At(p.volumePath()), "trusts %s, mounted at %s", strings.Join(names, ", "), p.settings.Mount.Path)
		case len(was) > 0:
			p.tellTrustsNoLonger()
		}
		p.tellProxy()
	}
	return p.found
}

func (p *Pod) tellTrustsNoLonger() {
	p.found.Add(krm.Info, codes.TrustsNoLonger, p.object, krm.At(p.volumePath()), "no longer trusts the CA bundle: what an earlier run mounted is removed")
}

// Release takes back what an earlier run of the same config did for trust.
func (p *Pod) Release() krm.Findings {
	if !p.claimed {
		if owner := p.owner(); owner != "" {
			p.found.Add(krm.Warning, codes.AnotherConfig, p.object, krm.At(p.ownerPath()),
				"FluxTrust %q has changed this Deployment, and only a config of that name takes its work out again", quote.Name(owner))
		}
		return p.found
	}
	p.readRecord()
	p.reconcile(nil, plan{}, nil)
	p.annotateTemplate("")
	meta := p.marked.Get("metadata")
	annotations := meta.Get("annotations")
	annotations.Remove(v1alpha1.ConfigAnnotation)
	annotations.Remove(v1alpha1.PreviousAnnotation)
	meta.RemoveEmpty("annotations", true)
	if p.object.Err() == nil {
		p.tellTrustsNoLonger()
	}
	return p.found
}

func (p *Pod) volumePath() string { return p.spec.Path + ".volumes.[name=" + v1alpha1.CAVolume + "]" }

// reconcile makes a pod what a plan says, and takes away what an earlier run of
// another plan has left. Entries of the user stay where they are. It returns the
// projections as they are written.
func (p *Pod) reconcile(projections []Projection, made plan, env []variable) []Projection {
	p.checkNames()
	projections = p.reconcileVolumes(projections, made.volumes)
	var inits []any
	if made.initContainer != nil {
		inits = []any{made.initContainer}
	}
	p.spec.Reconcile("initContainers", krm.IsNamed(v1alpha1.InitContainerName), inits)
	for i, c := range p.spec.Items("containers") {
		dir := mountedAt(c)
		if !slices.Contains(p.controllers, i) {
			reconcileMounts(c, nil)
			p.reconcileEnv(c, nil, dir)
			continue
		}
		reconcileMounts(c, made.mounts)
		p.reconcileEnv(c, slices.Concat(env, p.proxyEnv(c)), dir)
		if len(made.mounts) > 0 {
			checkReads(c, made.reads)
		}
	}
	return projections
}

// checkNames refuses names that the function writes and somebody else has taken.
func (p *Pod) checkNames() {
	if p.claimed {
		return
	}
	for _, taken := range []struct {
		key   string
		names []string
	}{{"volumes", []string{v1alpha1.CAVolume, v1alpha1.BundleVolume}}, {"initContainers", []string{v1alpha1.InitContainerName}}} {
		for _, name := range taken.names {
			for _, entry := range p.spec.Get(taken.key).Named(name) {
				entry.Fail(codes.NameTaken, "an entry of this name exists, and no annotation %s says that flux-trust wrote it; rename it", v1alpha1.ConfigAnnotation)
			}
		}
	}
}

// warnLost says that a root which an earlier run trusted is not in the bundle any
// more, where no projection tells it: the digest of that run is not the one of some of
// the certificates of today. Which root it was is not written down anywhere.
func (p *Pod) warnLost(b Bundle) {
	digest := p.template.Get("metadata", "annotations", v1alpha1.DigestAnnotation)
	old := digest.Peek()
	told := slices.ContainsFunc(p.found, func(f krm.Finding) bool { return f.Code == codes.RootsDropped })
	if !told && old != "" && b.Digest != "" && old != b.Digest && !bundle.Extends(b.Certificates, old) {
		p.found.Add(krm.Warning, codes.RootsDropped, p.object, krm.Difference{Path: digest.Path, Current: old, Proposed: b.Digest},
			"a root that the last run trusted is no longer in spec.caBundle, under the same keys; if that is not meant, compare the roots with those in the last report of flux-trust validate")
	}
}

// annotateTemplate writes the digest into the pod template, or takes an old one
// away.
func (p *Pod) annotateTemplate(digest string) {
	if digest != "" {
		p.template.Ensure("metadata", "annotations").PutText(v1alpha1.DigestAnnotation, digest)
		return
	}
	meta := p.template.Get("metadata")
	meta.RemoveEmpty("annotations", meta.Get("annotations").Remove(v1alpha1.DigestAnnotation))
	p.template.RemoveEmpty("metadata", true)
}

// mark writes down whose work this is, and what was there before.
func (p *Pod) mark() {
	annotations := p.marked.Ensure("metadata", "annotations")
	annotations.PutText(v1alpha1.ConfigAnnotation, p.settings.Owner)
	if len(p.record) == 0 {
		annotations.Remove(v1alpha1.PreviousAnnotation)
		return
	}
	text, err := json.Marshal(p.record)
	if err != nil {
		p.object.Fail(fmt.Errorf("encoding the annotation %s: %w", v1alpha1.PreviousAnnotation, err))
	}
	annotations.PutText(v1alpha1.PreviousAnnotation, string(text))
}
