package transformer

import (
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/installer"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// controllers is what became of the controllers in a stream, and of the objects that
// install some.
type controllers struct {
	count, changed, released int
	// namespaces are those with controllers that trust the bundle.
	namespaces map[string]bool
	// excepted are the names of containers that were left alone.
	excepted map[string]bool
	// verdicts are those about the workloads.
	verdicts []hardening.Verdict
	// patches are those for controllers that are installed, where patches are made.
	patches []patches.Patch
}

// changer changes controllers, one after the other.
type changer struct {
	*result
	options
	done controllers
	// proxied are the namespaces for which it is said what there is to say of a proxy.
	proxied map[string]bool
}

func newChanger(r *result, o options) *changer {
	return &changer{result: r, options: o, proxied: map[string]bool{}, done: controllers{namespaces: map[string]bool{}, excepted: map[string]bool{}}}
}

// changeControllers changes the workloads and installers, in the order of the stream.
func changeControllers(r *result, objects []*krm.Object, o options) controllers {
	c := newChanger(r, o)
	workloads, installers := r.inventory.Workloads, r.inventory.Installers
	for _, object := range objects {
		for len(workloads) > 0 && workloads[0].Object == object {
			c.workload(workloads[0])
			workloads = workloads[1:]
		}
		for len(installers) > 0 && installers[0].Holder() == object {
			c.install(installers[0])
			installers = installers[1:]
		}
	}
	return c.done
}

// workload changes a workload, if it is selected or was at an earlier run.
func (c *changer) workload(w *inventory.Workload) {
	switch {
	case w.Err != nil && w.Concerned:
		c.found.Fail(w.Object, w.Err)
	case w.Err != nil, w.Object.Err() != nil: // somebody else's, or told already
	case w.Patch && w.Concerned:
		c.found.Add(krm.Warning, codes.KustomizePatch, w.Object, krm.Difference{},
			"looks like a kustomize patch (no spec.selector, or a $patch) and is left alone; run the function over the result of the build")
	case w.Patch:
	case len(w.Selected) > 0:
		c.change(w)
	case w.Owner == c.config.Metadata.Name && !c.patching:
		settings := trust.SettingsOf(c.config)
		c.found = append(c.found, trust.PodOf(w, &settings).Release()...)
		c.found.Fail(w.Object, w.Object.Err())
		if w.Changed() {
			c.done.released++
		}
	}
}

// change makes a workload what the config asks for.
func (c *changer) change(w *inventory.Workload) {
	settings := trust.SettingsOf(c.config)
	w.In(w.Object.Before).CheckKeys()
	if w.Object.Err() == nil {
		c.done.count++
		if c.patching && w.Owner != "" {
			w.Object.Fail(&krm.FieldError{Code: codes.ChangedAlready, Path: "metadata.annotations." + v1alpha1.ConfigAnnotation, Message: "flux-trust has changed this workload already, and patches are made from what was there before; " +
				"name the manifests as they are without it, such as gotk-components.yaml"})
		}
		if verdict := c.apply(w, settings, &c.found); verdict != nil {
			c.done.verdicts = append(c.done.verdicts, *verdict)
		}
	}
	if err := w.Object.Err(); err != nil {
		c.found.Fail(w.Object, err)
		return
	}
	if c.config.Spec.Mount.Method != v1alpha1.None {
		c.done.namespaces[w.Object.Namespace()] = true
	}
	if w.Changed() {
		c.done.changed++
	}
}

// apply hardens a pod and makes it trust the bundle. What is hardened stays, and what
// is trusted may go again, so trust comes last, behind the rest.
func (c *changer) apply(w *inventory.Workload, s trust.Settings, found *krm.Findings) *hardening.Verdict {
	if w.Object.Err() != nil {
		return nil
	}
	c.proxy(w, &s)
	s.LimitCPU = c.inventory.CPUQuotas[w.Object.Namespace()]
	*found = append(*found, trust.CheckRootFiles(w, &s)...)
	if s.Security.Profile != v1alpha1.NoProfile {
		*found = append(*found, podOf(w, &s).Harden()...)
		for _, name := range hardening.Excepted(templateIn(w, w.Object.Before), &s.Security) {
			c.done.excepted[name] = true
		}
	}
	c.trust(w, &s, found)
	*found = append(*found, trust.CheckProxy(w, c.verdictOn(w), &s, c.inventory)...)
	if s.Security.Profile == v1alpha1.NoProfile || w.Object.Err() != nil {
		return nil
	}
	return c.judge(w, &s, found)
}

// judge holds a pod against the Pod Security admission: as it is to be, or as it came
// in.
func (c *changer) judge(w *inventory.Workload, s *trust.Settings, found *krm.Findings) *hardening.Verdict {
	severity := krm.Warning
	if c.asGiven {
		severity = krm.Error
	}
	verdict, err := hardening.Judge(templateIn(w, c.verdictOn(w)), &s.Security)
	if err != nil {
		w.Object.Fail(err)
		return nil
	}
	*found = append(*found, verdict.Findings(w.Object, severity)...)
	verdict.Namespace, verdict.Name = w.Object.Namespace(), w.Name()
	return verdict
}

// verdictOn returns what verdicts are about: a workload as it is to be, or as it came in.
func (c *changer) verdictOn(w *inventory.Workload) krm.Field {
	if c.asGiven {
		return w.Object.Before
	}
	return w.Object.After()
}

func (c *changer) trust(w *inventory.Workload, s *trust.Settings, found *krm.Findings) {
	if w.Object.Err() != nil {
		return
	}
	p := trust.PodOf(w, s)
	if s.Nothing() {
		*found = append(*found, p.Release()...)
		return
	}
	p.Claim()
	if w.Object.Err() != nil {
		return
	}
	if s.Mount.Method == v1alpha1.None {
		*found = append(*found, p.Apply(trust.Bundle{})...)
		return
	}
	b, told := c.bundles.of(w.Object.Namespaces)
	c.found = append(c.found, told...)
	if b.Unusable {
		w.Object.Fail(krm.ErrReported)
		return
	}
	*found = append(*found, p.Apply(b)...)
}

// proxy completes what is known of a proxy, and says once per namespace what there is
// to say about it.
func (c *changer) proxy(w *inventory.Workload, s *trust.Settings) {
	if s.Proxy == nil {
		return
	}
	s.Inside, s.ProxySecret = trust.Inside(c.inventory), c.proxySecret
	if len(c.proxied) == 0 {
		c.found = append(c.found, trust.NoProxyCompleted(c.config, s.Inside))
	}
	if namespace := w.Object.Namespace(); !c.proxied[namespace] {
		c.proxied[namespace] = true
		c.found = append(c.found, trust.CheckProxySecret(s.Proxy, c.inventory.Stores, w.Object.Namespaces)...)
	}
}

// proxySecret returns the name that the Secret with the URL of the proxy has now, or ""
// where it is not in the stream.
func (c *changer) proxySecret(namespaces []string) string {
	configured := c.config.Spec.Proxy.SecretRef.Name
	s, _ := c.inventory.Stores.Find(inventory.Secret, configured, namespaces)
	switch {
	case s == nil:
		return ""
	case c.FollowsNames || slices.Contains(s.Object.Names, configured):
		return configured
	default:
		return s.Object.Name()
	}
}

func templateIn(w *inventory.Workload, root krm.Field) krm.Field {
	return w.In(root).Get("spec", "template")
}

// podOf returns the pod template of a workload for hardening.
func podOf(w *inventory.Workload, s *trust.Settings) hardening.Pod {
	p := hardening.Pod{Template: templateIn(w, w.Object.Edit()), Config: &s.Security, Controllers: w.Selected, OwnVolume: v1alpha1.BundleVolume}
	if w.Owner == s.Owner {
		p.Own = v1alpha1.InitContainerName
	}
	return p
}

// install makes the patches of an object that installs controllers those that the
// config asks for.
func (c *changer) install(i *inventory.Installer) {
	i.Object.Fail(i.Err)
	i.Object.Before.CheckKeys()
	c.tellNewer(i)
	switch {
	case i.Object.Err() != nil:
	case i.Templated != "":
		c.found.Add(krm.Warning, codes.TakesNoPatches, i.Holder(), krm.At(i.Templated), "holds a template where the change would stand, and is left alone; %s", templated)
		return
	case i.Kind.Operator:
		c.installOperator(i)
		return
	}
	if i.Object.Err() == nil {
		settings := trust.SettingsOf(c.config)
		env, at := installer.Environment(i, trust.ProxyNames())
		c.found = append(c.found, trust.CheckProxyEnv(i.Object, env, at, &settings, c.inventory)...)
	}
	defer i.PutBack()
	owned, patched := false, false
	if i.Object.Err() == nil {
		made, err := c.patchesOf(installer.StockOf(i), i.Object)
		i.Object.Fail(err)
		patched = len(made) > 0
		switch {
		case i.Object.Err() != nil:
		case c.patching:
			c.done.patches = append(c.done.patches, made...)
			c.done.count++
			return
		default:
			settings := trust.SettingsOf(c.config)
			var copies []any
			if patched {
				var told krm.Findings
				copies, told = installer.Copies(i, c.inventory.Stores, settings.Owner)
				c.found = append(c.found, told...)
			}
			var told krm.Findings
			owned, told = installer.Apply(i, copies, made, settings)
			c.found = append(c.found, told...)
		}
	}
	if err := i.Object.Err(); err != nil {
		c.found.Fail(i.Object, err)
		return
	}
	switch { // it counts as one controller
	case patched || c.config.Spec.Mount.Method == v1alpha1.None && slices.ContainsFunc(i.Components, func(name string) bool {
		return inventory.Includes(&c.config.Spec.Controllers, name)
	}):
		c.done.count++
		if i.Object.Changed() {
			c.done.changed++
		}
	case owned:
		c.done.released++
	}
}

// tellNewer says what of an object that installs controllers is newer than this release.
func (c *changer) tellNewer(i *inventory.Installer) {
	version := i.Object.Before.Peek("apiVersion")
	if _, another, _ := strings.Cut(version, "/"); flux.Newer(another, i.Kind.Versions) != "" {
		c.found.Add(krm.Warning, codes.UnknownVersion, i.Object, krm.Difference{Path: "apiVersion", Current: version},
			"%s is newer than this release of flux-trust knows, and is treated as %s; look for a newer flux-trust", quote.Word(another), flux.Newer(another, i.Kind.Versions))
	}
	for _, name := range i.Components {
		if !slices.Contains(flux.Names(), name) && len(c.config.Spec.Controllers.Include) == 0 {
			c.found.Add(krm.Warning, codes.UnknownName, i.Object, krm.At(strings.Join(i.Kind.Spec, ".")+".components"),
				"%s is a controller that this release of flux-trust does not know: it gets no patch; look for a newer flux-trust, or write the patch yourself", quote.Name(name))
		}
	}
}

// templated says what to do about an object that flux-operator fills in.
const templated = "write the patches that flux-trust patches -o flux-instance prints into its spec.kustomize.patches"

// installOperator makes the values of a HelmRelease of flux-operator those that the
// config asks for.
func (c *changer) installOperator(i *inventory.Installer) {
	if c.patching {
		return // -o flux-operator-values prints them
	}
	w, err := installer.Operator(i, &c.config.Spec.Controllers)
	if err != nil {
		c.found.Fail(i.Object, err)
		return
	}
	settings, claimed := trust.SettingsOf(c.config), w.Owner == c.config.Metadata.Name
	var told krm.Findings
	switch hidden, is := installer.HiddenValues(i, c.inventory.Stores, settings.Mount.Method); {
	case len(w.Selected) == 0 && !claimed:
		return
	case len(w.Selected) == 0:
		told = trust.PodOf(w, &settings).Release()
	case is && !settings.Nothing():
		c.found = append(c.found, hidden)
		c.done.count++
		return
	default:
		c.proxy(w, &settings)
		c.trust(w, &settings, &told)
		told = append(told, trust.CheckProxy(w, c.verdictOn(w), &settings, c.inventory)...)
	}
	c.found = append(c.found, installer.PutOperator(i, w, told)...)
	if err := i.Object.Err(); err != nil {
		c.found.Fail(i.Object, err)
		return
	}
	i.PutBack()
	switch {
	case len(w.Selected) == 0:
		c.done.released++
		return
	case settings.Mount.Method != v1alpha1.None:
		c.done.namespaces[w.Object.Namespace()] = true
	}
	c.done.count++
	if i.Object.Changed() {
		c.done.changed++
	}
}

// patchesOf returns the patches for the controllers of a stock install. Findings are
// about an object, or about the controllers where that is nil.
func (c *changer) patchesOf(s installer.Stock, about *krm.Object) ([]patches.Patch, error) {
	made, found, err := installer.Patches(s, c.config, func(w *inventory.Workload, s trust.Settings) krm.Findings {
		var found krm.Findings
		c.apply(w, s, &found)
		return found
	}, about)
	c.found = append(c.found, found...)
	settings := trust.SettingsOf(c.config)
	if err != nil || len(made) == 0 || settings.Nothing() {
		return made, err
	}
	if c.config.Spec.Mount.Method != v1alpha1.None {
		c.done.namespaces[s.Namespaces[0]] = true
	}
	if c.FollowsNames {
		return made, nil
	}
	return made, installer.CheckReferences(c.config, c.inventory.Stores, s.Namespaces)
}
