package transformer

import (
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/hardening"
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
	// proxied are the namespaces for which it is said what there is to say of a proxy,
	// told is set where it is said what the variables get beside what the config lists.
	proxied map[string]bool
	told    bool
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
		c.checkVariables(w)
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

// checkVariables warns of variables that Flux is to replace, and that nothing defines.
func (c *changer) checkVariables(w *inventory.Workload) {
	variables := w.Variables()
	if len(variables) == 0 || !c.inventory.RefusesUndefined() {
		return
	}
	for _, s := range c.inventory.Substitutions {
		if s.Object.Namespace() != w.Object.Namespace() { // it is not by this one that Flux installs itself
			continue
		}
		if at := slices.IndexFunc(variables, func(name string) bool { return !s.Defines(name) }); at >= 0 {
			c.found.Add(krm.Warning, codes.UndefinedVariable, w.Object, krm.Difference{},
				"holds ${%s}, which Kustomization %s is to replace and does not define; that is an error from kustomize-controller v1.9.0 (Flux 2.9) on, and the stream has v%s: define it under spec.postBuild.substitute, or write ${%[1]s:=…}",
				quote.Word(variables[at]), quote.Name(s.Object.Name()), c.inventory.Versions["kustomize-controller"])
		}
	}
}

// apply hardens a pod and makes it trust the bundle. What is hardened stays, and what
// is trusted may go again, so trust comes last, behind the rest.
func (c *changer) apply(w *inventory.Workload, s trust.Settings, found *krm.Findings) *hardening.Verdict {
	if w.Object.Err() != nil {
		return nil
	}
	c.variables(w, &s)
	s.LimitCPU = c.inventory.CPUQuotas[w.Object.Namespace()]
	*found = append(*found, trust.CheckRootFiles(w, &s, c.inventory.Stores)...)
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

// variables completes what is known of the variables that the config sets. It says once
// what they get, and once per namespace what there is to say about a proxy.
func (c *changer) variables(w *inventory.Workload, s *trust.Settings) {
	if s.Proxy != nil {
		s.Inside, s.ProxySecret = trust.Inside(c.inventory), c.proxySecret
	}
	if !c.told {
		c.told = true
		c.found = append(c.found, s.Completed(c.config)...)
	}
	if namespace := w.Object.Namespace(); s.Proxy != nil && !c.proxied[namespace] {
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
