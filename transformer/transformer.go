package transformer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
)

// Resource is one resource of a stream and, where it is known, its file.
type Resource struct {
	Node *yaml.RNode
	File *framework.File
}

// Outcome is what a run makes of a stream.
type Outcome struct {
	// Items are the resources in their order. One that was changed is a new
	// node, one that was taken away is nil; all others are the nodes that came in.
	// After an error, all are.
	Items []*yaml.RNode
	// Added are resources that the function adds at the end of the stream.
	Added []*yaml.RNode
	// Results say what was changed and what could not be, each with its
	// severity.
	Results framework.Results
	// Controllers and Changed count Deployments: those that count as
	// controllers, and those among them that were not yet as configured.
	Controllers, Changed int
	// Released counts Deployments that an earlier run had changed and that are no
	// longer selected.
	Released int
	// Sources counts the Flux objects that spec.sources selects, SourcesChanged
	// those that were changed, SourcesReleased those that an earlier run had changed
	// and that are no longer selected.
	Sources, SourcesChanged, SourcesReleased int
	// Validated tells that nothing was to be changed: Changed counts controllers
	// that are not as configured, with an error for each thing.
	Validated bool
	// Roots are the certificates of the bundle whose content is known.
	Roots []Root
	// Verdicts are those of the Pod Security admission, per controller.
	Verdicts []hardening.Verdict
	// Exceptions are the findings that the config allows.
	Exceptions []string
}

// Failed tells whether a result is an error.
func (o Outcome) Failed() bool { return o.Results.ExitCode() != 0 }

// transform is one run.
type transform struct {
	config    *v1alpha1.FluxTrust
	providers []*provider
	// resolved holds the bundle per namespace.
	resolved map[string]*roots
	// used holds the providers that entries of the config name.
	used map[*provider]bool
	// namespaces are those with controllers that trust the bundle.
	namespaces map[string]bool
	// seen holds the controllers and excepted containers in the stream.
	seen map[string]bool
	// matched holds which entries of controllers.additional selected something.
	matched map[int]bool
	// versions are those of the controllers in the stream.
	versions versions
	// wanted are the Secrets to provide, missing those that cannot be, checked those
	// of others that were looked at, kept those that stay as they are.
	wanted        []generated
	missing       map[string]bool
	checked, kept map[*provider]bool
	report        krm.Report
	outcome       Outcome

	// patching tells that patches are to be made, followsNames see PatchOptions.
	patching, followsNames bool
	// instances are the patches for what FluxInstances in the stream install.
	instances []patches.Patch
	// resources are those of the stream, charts those that HelmReleases may refer to.
	resources []Resource
	charts    func() map[chartSource]string
}

// Run applies a config to the resources of a stream at a time, which changes
// results only. The config must have been decoded by v1alpha1, which validates
// it and fills in the defaults.
func Run(config *v1alpha1.FluxTrust, resources []Resource, now time.Time) Outcome {
	return RunNeeded(config, resources, 0, now)
}

// RunNeeded is Run over a stream without some resources that the config does not
// need, see Needs.
func RunNeeded(config *v1alpha1.FluxTrust, resources []Resource, skipped int, now time.Time) Outcome {
	return newTransform(config, resources, now).run(skipped)
}

func newTransform(config *v1alpha1.FluxTrust, resources []Resource, now time.Time) *transform {
	t := &transform{
		charts: sync.OnceValue(func() map[chartSource]string { return chartsIn(resources) }),
		config: config, resources: resources,
		resolved: map[string]*roots{}, used: map[*provider]bool{}, namespaces: map[string]bool{}, matched: map[int]bool{}, seen: map[string]bool{},
		versions: versions{}, missing: map[string]bool{}, checked: map[*provider]bool{}, kept: map[*provider]bool{},
	}
	t.report.Results, t.report.Now = &t.outcome.Results, now
	t.outcome.Validated = config.Spec.Mode == v1alpha1.Validate
	t.report.Validate = t.outcome.Validated
	t.providers = providersIn(resources, t.report)
	return t
}

func (t *transform) run(skipped int) Outcome {
	deploymentNames := []string{}
	for _, r := range t.resources {
		item, names := t.resource(r)
		t.outcome.Items = append(t.outcome.Items, item)
		deploymentNames = append(deploymentNames, names...)
	}
	t.reportMissing(len(t.resources)+skipped, deploymentNames)
	if !t.patching {
		t.sources(t.resources)
	}
	t.finish()
	return t.outcome
}

// finish adds the objects of the config, or takes back everything after an error.
func (t *transform) finish() {
	t.generate()
	if t.outcome.Failed() || t.outcome.Validated {
		t.outcome.Added = nil
		for i, r := range t.resources {
			t.outcome.Items[i] = r.Node
		}
	}
}

// resource changes the Deployments in one resource. It returns the resource,
// or a changed copy, and the names of the Deployments in it.
func (t *transform) resource(r Resource) (*yaml.RNode, []string) {
	root := krm.Field{Node: r.Node.YNode()}
	if err := krm.CheckSize(r.Node); err != nil {
		kind := root.TextOr("kind")
		if kind == string(v1alpha1.Deployment) || strings.HasSuffix(kind, "List") {
			t.report.Of(root, r.File).Fail(err)
		}
		return r.Node, nil
	}
	objects := targets(root)
	var names []string
	for _, m := range objects {
		if m.kind == v1alpha1.Deployment {
			names = append(names, m.name())
		}
	}
	if !t.mayChange(r, objects) {
		return r.Node, names
	}
	work, err := krm.Prepare(r.Node)
	if err != nil {
		for _, m := range objects {
			if t.concerns(m) {
				t.report.Of(m.resource, r.File).Fail(err)
			}
		}
		return r.Node, names
	}
	changed := false
	for _, m := range targets(krm.Field{Node: work.YNode()}) {
		report := t.report.Of(m.resource, r.File)
		change := t.deployment
		if isHolder(m.resource) {
			change = t.instance
		}
		didChange, err := change(m, report)
		if err != nil {
			report.Fail(err)
		}
		changed = changed || didChange
	}
	if !changed {
		return r.Node, names
	}
	return work, names
}

// mayChange is false where there are no targets, and for most HelmReleases, which
// install something else. To see that costs less than a copy.
func (t *transform) mayChange(r Resource, objects []manifest) bool {
	return slices.ContainsFunc(objects, func(m manifest) bool {
		return !isHolder(m.resource) || t.concerns(m) || krm.HasMergeKeys(r.Node.YNode())
	})
}

// concerns tells whether a Deployment that cannot be read is one that the config
// is about. Somebody else's is not ours to complain about.
func (t *transform) concerns(m manifest) bool {
	if isHolder(m.resource) {
		h, err := t.holder(m.resource)
		return err != nil || h != nil
	}
	w, err := read(m)
	if err != nil {
		w = readHead(m)
	}
	selected, err := t.selected(w)
	return err != nil || len(selected) > 0
}

// deployment changes one Deployment, if it is selected or was at an earlier
// run.
func (t *transform) deployment(m manifest, report krm.Report) (bool, error) {
	w, err := read(m)
	if err != nil {
		if t.concerns(m) {
			return false, err
		}
		return false, nil
	}
	if w.isPatch() {
		t.reportPatch(w, report)
		return false, nil
	}
	d := &deployment{workload: w, report: report, Editor: t.editor(report)}
	if d.controllers, err = t.selected(w); err != nil {
		return false, err
	}
	if len(d.controllers) == 0 {
		owner, err := w.owner()
		if err != nil || owner != t.config.Metadata.Name || t.patching {
			return false, err
		}
		d.claimed = true
		if err = d.release(); d.Changed {
			t.outcome.Released++
		}
		return d.Changed, err
	}
	if err := krm.CheckKeys(m.object); err != nil {
		return false, err
	}
	t.outcome.Controllers++
	if err := d.apply(t); err != nil {
		return false, err
	}
	if t.config.Spec.Mount.Method != v1alpha1.None {
		t.namespaces[d.namespaces[0]] = true
	}
	if d.Changed {
		t.outcome.Changed++
	}
	if d.verdict != nil {
		t.outcome.Verdicts = append(t.outcome.Verdicts, *d.verdict)
	}
	return d.Changed, nil
}

// editor returns an editor for the resource of a report.
func (t *transform) editor(r krm.Report) *krm.Editor {
	if !r.Validate {
		return &krm.Editor{}
	}
	return &krm.Editor{Differs: r.Differs}
}

// reportPatch says that a Deployment is left alone because it is a patch for
// one: what it got would hide what the Deployment has.
func (t *transform) reportPatch(w *workload, report krm.Report) {
	selected, err := t.selected(w)
	if len(selected) > 0 || err != nil {
		report.Add(framework.Warning, krm.Change{}, "looks like a kustomize patch (no spec.selector, or a $patch) and is left alone; run the function over the result of the build")
	}
}

// includes tells whether the config is about a controller.
func (t *transform) includes(controller string) bool {
	c, name := &t.config.Spec.Controllers, v1alpha1.Controller(controller)
	return (len(c.Include) == 0 || slices.Contains(c.Include, name)) && !slices.Contains(c.Exclude, name)
}

// selected returns the indexes of the containers to change.
func (t *transform) selected(w *workload) ([]int, error) {
	additional, err := t.additional(w)
	if err != nil {
		return nil, err
	}
	if w.kind != v1alpha1.Deployment && !additional {
		return nil, nil // Flux has Deployments only
	}
	matches := flux.Find(w.seen)
	var indexes []int
	for _, m := range matches {
		t.seen[m.Controller] = true
		t.versions.see(m.Controller, flux.Tag(w.seen.Containers[m.Container].Image))
		if t.includes(m.Controller) {
			indexes = append(indexes, m.Container)
		}
	}
	if len(matches) > 0 {
		return indexes, nil
	}
	if additional && len(w.seen.Containers) > 0 {
		return mainContainers(w), nil
	}
	claimed := flux.Claimed(w.seen)
	broken := claimed != "" && t.includes(claimed) && (len(w.seen.Containers) == 0 || w.seen.Labels["app.kubernetes.io/component"] == claimed)
	if additional || broken {
		return nil, w.pod.Errorf("this is a controller by its name and labels, and has no container that could run one; " +
			"give the Deployment its containers, or name it under spec.controllers.exclude")
	}
	return nil, nil
}

// additional tells whether an entry of controllers.additional selects a
// Deployment.
func (t *transform) additional(w *workload) (bool, error) {
	selected := false
	for i, a := range t.config.Spec.Controllers.Additional {
		if a.Kind != w.kind || a.Name != "" && !slices.Contains(w.seen.Names, a.Name) ||
			a.Namespace != "" && !slices.Contains(w.namespaces, a.Namespace) {
			continue
		}
		if a.LabelSelector != "" {
			selector, err := labels.Parse(a.LabelSelector)
			if err != nil {
				return false, fmt.Errorf("spec.controllers.additional[%d].labelSelector: %w", i, err)
			}
			if !selector.Matches(labels.Set(w.seen.Labels)) {
				continue
			}
		}
		t.matched[i] = true
		selected = true
	}
	return selected, nil
}
