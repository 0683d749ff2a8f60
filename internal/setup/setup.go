package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/filter"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/transformer"
)

// Options say which certificates are to be trusted, and where.
type Options struct {
	// Dir is the folder; Root is the one that nothing outside of is read, as for
	// kustomization.Options.
	Dir, Root string
	// Name is that of the config and of its ConfigMap, or "": that of the config in the
	// folder, or DefaultName.
	Name string
	// Namespace is that of the controllers where nothing says it.
	Namespace string
	// Certificates are the files with them, in any form.
	Certificates []filter.File
	// Fingerprints pin the certificates, when there are any.
	Fingerprints []string
	// Force replaces what is there: other files of the same names, and certificates that
	// are not given.
	Force bool
	// Now is the time of the run.
	Now time.Time
}

// DefaultName is the name of a config and of its ConfigMap.
const DefaultName = "corporate-ca"

// Plan is what a folder is to be.
type Plan struct {
	// Kind is what the folder is.
	Kind Kind
	// Dir is the folder, Config the path of the config.
	Dir, Config string
	// Namespace of the controllers.
	Namespace string
	// Roots are those that the controllers are going to trust.
	Roots []Root
	// Dropped are those that they trusted, and will not.
	Dropped []Root
	// Files are to be written, all or none.
	Files []kustomization.File
	// Outcome is that of the function. Where it has failed, no file is to be written.
	Outcome transformer.Outcome

	// store is the file with the certificates, configMap the name of what it makes, key
	// theirs in it.
	store, configMap, key string
	// fetched is what a kustomization would fetch.
	fetched *kustomization.RemoteError
	// opaque are files whose content is replaced, whatever it is.
	opaque []string
	// rotates says that certificates came to those that were trusted.
	rotates bool
}

// Make says what a folder has to be for its controllers to trust certificates.
func Make(o Options) (*Plan, error) {
	const longest = 200 // so that names of files and keys that are made of it fit
	if len(o.Name) > longest {
		return nil, fmt.Errorf("--name: has %d letters; the name of a config has at most %d here", len(o.Name), longest)
	}
	given, err := readRoots(o.Certificates, o.Now)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--dir %s: is not a folder; name the one with the manifests of Flux, or create it first", o.Dir)
	}
	kind, err := look(o.Dir)
	if err != nil {
		return nil, err
	}
	c, err := o.config(kind)
	if err != nil {
		return nil, err
	}
	return kind.plan(&o, c, given)
}

// inDir returns the path of a file of the folder.
func (o *Options) inDir(name string) string { return filepath.Join(o.Dir, name) }

// planOf returns a plan without files.
func (o *Options) planOf(kind Kind, c *config, t trusted, outcome transformer.Outcome) *Plan {
	return &Plan{
		Kind: kind, Dir: o.Dir, Config: c.path, Namespace: o.Namespace, Outcome: outcome,
		configMap: c.source().ConfigMap.Name, key: c.key(), Roots: t.roots, Dropped: t.dropped, rotates: c.now != nil && len(t.added) > 0,
	}
}

// settle says which files are to be written, once nothing stands against it: that with the
// certificates, the config, and others. What is given
// must be in the bundle as the function has found it: something else may make its
// ConfigMap.
func (p *Plan) settle(given []Root, c *config, t trusted, files ...kustomization.File) error {
	p.store = files[0].Path
	p.Outcome.Findings = p.named(t)
	if p.Outcome.Failed() {
		return nil
	}
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
	if t.opaque {
		p.opaque = append(p.opaque, files[0].Path)
	}
	if c.replaces {
		p.opaque = append(p.opaque, c.path)
	}
	for _, f := range files {
		if f.Changed() {
			p.Files = append(p.Files, f)
		}
	}
	return nil
}

// Check sees that the files are still as they were when the plan was made: a question may
// have been open for long.
func (p *Plan) Check() error {
	for _, f := range p.Files {
		now, err := readIfThere(f.Path)
		if err != nil {
			return err
		}
		if (kustomization.File{Before: f.Before, After: now}).Changed() {
			return fmt.Errorf("%s has changed in the meantime; nothing was written: run this again", f.Path)
		}
	}
	return nil
}

// Left returns the command that removes the files that Make has planned in a folder beside its
// manifests, and that stay when the work of the config is taken out, or "".
func Left(dir string, config *v1alpha1.FluxTrust, path string) string {
	if kustomization.Resolved(filepath.Dir(path)) != kustomization.Resolved(dir) || !isOurs(path) {
		return ""
	}
	files := []string{path}
	for _, entry := range config.Spec.CABundle {
		if entry.ConfigMap == nil {
			continue
		}
		for _, key := range entry.ConfigMap.Keys {
			if file := filepath.Join(filepath.Dir(path), key); isFile(file) && !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
		if file := filepath.Join(filepath.Dir(path), entry.ConfigMap.Name+manifestEnd); isOurs(file) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	git, words := forGit(dir, files)
	return git + " rm " + words
}
