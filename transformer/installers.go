package transformer

import (
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/installer"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

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
	c.checkProxy(i)
	defer i.PutBack()
	owned := false
	var named []string // what is patched
	if i.Object.Err() == nil {
		made, err := c.patchesOf(installer.StockOf(i), i.Object)
		i.Object.Fail(err)
		for _, p := range made {
			named = append(named, p.Names...)
		}
		c.checkArtifact(i, len(made) > 0)
		switch {
		case i.Object.Err() != nil:
		case c.patching:
			c.done.patches = append(c.done.patches, made...)
			c.done.count += len(named)
			return
		default:
			settings := trust.SettingsOf(c.config)
			var copies []any
			if len(made) > 0 {
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
	c.countInstalled(i, named, owned)
}

// countInstalled counts the controllers that an object installs: those that are patched,
// or would be.
func (c *changer) countInstalled(i *inventory.Installer, named []string, owned bool) {
	if len(named) == 0 && c.config.Spec.Mount.Method == v1alpha1.None {
		named = slices.DeleteFunc(slices.Clone(i.Components), func(name string) bool { return !inventory.Includes(&c.config.Spec.Controllers, name) })
	}
	c.done.count += len(named)
	switch {
	case len(named) > 0 && i.Object.Changed():
		c.done.changed += len(named)
	case len(named) == 0 && owned:
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

// checkProxy looks at the variables that an object gives to the controllers that it
// installs.
func (c *changer) checkProxy(i *inventory.Installer) {
	if i.Object.Err() != nil {
		return
	}
	settings := trust.SettingsOf(c.config)
	env, at := installer.Environment(i, trust.ProxyNames())
	c.found = append(c.found, trust.CheckProxyEnv(i.Object, env, at, &settings, c.inventory)...)
}

// checkArtifact looks at what flux-operator pulls for an object that it makes controllers
// from, and that the config patches.
func (c *changer) checkArtifact(i *inventory.Installer, patched bool) {
	if settings := trust.SettingsOf(c.config); patched && i.Object.Err() == nil && !settings.Nothing() {
		c.found = append(c.found, installer.CheckArtifact(i, c.inventory, &c.config.Spec.Controllers)...)
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
		c.variables(w, &settings)
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
