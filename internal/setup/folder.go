package setup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
)

// folder plans a folder with a kustomization, which gets patches. It makes the ConfigMap from
// a file with the certificates, or has it in a manifest.
func (o *Options) folder(kind Kind, c *config, given []Root) (*Plan, error) {
	if p, err := o.listed(kind, c, given); p != nil || err != nil {
		return p, err
	}
	pem, t, err := o.certificates(c, given)
	if err != nil {
		return nil, err
	}
	return o.patched(kind, c, pem, t, given)
}

// listed plans a folder whose kustomization lists a manifest with the ConfigMap of the config.
// It is nil where there is none.
func (o *Options) listed(kind Kind, c *config, given []Root) (*Plan, error) {
	if isFile(o.inDir(c.key())) {
		return nil, nil
	}
	files, err := manifestsIn(o.Dir, c.path)
	if err != nil {
		return nil, err
	}
	manifest, t, found, err := o.held(c, files, given)
	if err != nil || !found {
		return nil, err
	}
	p, err := o.patched(kind, c, manifest, t, given)
	if missing := (*kustomization.MissingError)(nil); errors.As(err, &missing) {
		return nil, nil
	}
	return p, err
}

// patched plans a folder with a kustomization and a file with certificates.
func (o *Options) patched(kind Kind, c *config, store kustomization.File, t trusted, given []Root) (*Plan, error) {
	options := kustomization.Options{
		Dir: o.Dir, Root: o.Root, ConfigFile: c.path, Namespace: o.Namespace, Now: o.Now,
		Files: map[string][]byte{c.path: c.text, store.Path: store.After},
	}
	result, err := kustomization.Reconcile(c.FluxTrust, options)
	if fetched := (*kustomization.RemoteError)(nil); errors.As(err, &fetched) {
		return o.remote(c, store, t, given, fetched)
	}
	if err != nil {
		return nil, err
	}
	p := o.planOf(kind, c, t, result.Outcome)
	if found := below(o.Dir); len(found) > 0 && hasCode(result.Outcome.Findings, codes.NoControllers) {
		p.Outcome.Findings.Add(krm.Error, codes.NoControllers, nil, krm.Difference{}, "Flux is in %s: name that with --dir", strings.Join(found, " and in "))
	}
	return p, p.settle(given, c, t, append([]kustomization.File{store, c.file()}, result.Files...)...)
}

func hasCode(findings krm.Findings, code krm.Code) bool {
	return slices.ContainsFunc(findings, func(f krm.Finding) bool { return f.Severity == krm.Error && f.Code == code })
}

// certificates returns the file of the folder with those of a config.
func (o *Options) certificates(c *config, given []Root) (kustomization.File, trusted, error) {
	f := kustomization.File{Path: o.inDir(c.key())}
	var err error
	if f.Before, err = readIfThere(f.Path); err != nil {
		return f, trusted{}, err
	}
	t, err := combine(f.Path, f.Before, given, o.Force)
	if err != nil {
		return f, t, err
	}
	if others := lacking(t.roots, given); c.now == nil && len(others) > 0 {
		return f, t, fmt.Errorf("%s is there, and holds %s: name it as well to trust that, too, or --force overwrites it", f.Path, names(others))
	}
	if err := c.checkIdle(f.Path, t, given); err != nil {
		return f, t, err
	}
	f.After = []byte(t.text)
	return f, t, c.pin(t, o.Fingerprints)
}
