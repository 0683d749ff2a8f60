package setup

import (
	"fmt"

	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// folder plans a folder with a kustomization, which gets patches.
func (o *Options) folder(c *config, given []Root) (*Plan, error) {
	pem, t, err := o.certificates(c, given)
	if err != nil {
		return nil, err
	}
	options := kustomization.Options{
		Dir: o.Dir, Root: o.Root, ConfigFile: c.path, Namespace: o.Namespace, Now: o.Now,
		Files: map[string][]byte{c.path: c.text, pem.Path: pem.After},
	}
	result, err := kustomization.Reconcile(c.FluxTrust, options)
	if err != nil {
		return nil, err
	}
	p := &Plan{Kind: Kustomization, Dir: o.Dir, Config: c.path, Namespace: o.Namespace, Outcome: result.Outcome, rotates: c.now != nil && len(t.added) > 0}
	if p.Outcome.Failed() {
		return p, nil
	}
	p.Roots, p.Dropped = t.roots, t.dropped
	for _, f := range append([]kustomization.File{pem, c.file()}, result.Files...) {
		if f.Changed() {
			p.Files = append(p.Files, f)
		}
	}
	return p, p.checkTrusted(c, given)
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
	f.After = []byte(t.text)
	return f, t, c.pin(t, o.Fingerprints)
}

// checkTrusted sees that what is given is in the bundle as the function has found it:
// something else may make its ConfigMap.
func (p *Plan) checkTrusted(c *config, given []Root) error {
	found := map[string]bool{}
	for _, r := range p.Outcome.Roots {
		found[r.Fingerprint] = true
	}
	for _, r := range given {
		if !found[r.Fingerprint()] {
			return fmt.Errorf("%s: the ConfigMap %s is made by something else than %s, and %s does not come into it: put the certificate where that takes it from",
				c.path, quote.Name(c.source().ConfigMap.Name), quote.Key(c.key()), r.Name())
		}
	}
	return nil
}
