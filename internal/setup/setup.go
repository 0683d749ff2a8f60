package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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
	// Certificates are the files with them.
	Certificates []File
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

// File is a file with certificates, in any form.
type File struct {
	Path string
	Text []byte
}

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

	// rotates says that certificates came to those that were trusted.
	rotates bool
}

// Make says what a folder has to be for its controllers to trust certificates.
func Make(o Options) (*Plan, error) {
	given, err := readRoots(o.Certificates, o.Now)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--dir %s: is not a folder; name the one with the manifests of Flux, or create it first", quote.Text(o.Dir))
	}
	kind := Kustomization
	c, err := o.config(kind)
	if err != nil {
		return nil, err
	}
	return kind.plan(&o, c, given)
}

// readIfThere returns a file, or nil where there is none.
func readIfThere(path string) ([]byte, error) {
	data, err := os.ReadFile(path) //nolint:gosec // in a folder that the user names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && data == nil {
		data = []byte{}
	}
	return data, err
}

// inDir returns the path of a file of the folder.
func (o *Options) inDir(name string) string { return filepath.Join(o.Dir, name) }
