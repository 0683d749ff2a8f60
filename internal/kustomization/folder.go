package kustomization

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// Options say which folder is to be made right.
type Options struct {
	// Dir is the folder. Root is the one that nothing outside of is read; where it is
	// "", it is the nearest one above that holds .git.
	Dir, Root string
	// ConfigFile is the path of the config, which may lie in the folder.
	ConfigFile string
	// Namespace is that of the controllers where nothing says it.
	Namespace string
	// Inputs are objects that are not in the folder: those of the bundle, Flux where
	// flux bootstrap has not run yet, or what an entry of the kustomization would fetch.
	Inputs []*yaml.RNode
	// Files are texts of files that are going to be written before those of the result,
	// by their paths.
	Files map[string][]byte
	// Now is the time of the run.
	Now time.Time
}

// File is a file before and after. What is nil is not there.
type File struct {
	Path          string
	Before, After []byte
}

// Changed reports whether there is something to write.
func (f File) Changed() bool {
	return (f.Before == nil) != (f.After == nil) || !bytes.Equal(f.Before, f.After)
}

// folder is a folder as it is, and without the work of the config.
type folder struct {
	Options
	config *v1alpha1.FluxTrust
	// hasSources says that the config has spec.sources, which are not part of the work
	// here.
	hasSources bool
	// dir and root are the paths without symbolic links; root is "/" where nothing says
	// which it is.
	dir, root string
	// file is the path of the kustomization, now what it is (nil where there is none),
	// start that or a new one, clean without the work of the config.
	file       string
	now, start []byte
	clean      *text
	objectsFile
	inMemory
	// findings are about the folder.
	findings krm.Findings
}

// objectsFile is the file for objects that are not part of a kustomization.
type objectsFile struct {
	// bundle holds the objects of other configs in it, bundleNow what it is.
	bundle    bundle
	bundleNow []byte
	// others is the file without what is of the config, or nil.
	others []byte
}

// inMemory is what a build reads and no file holds.
type inMemory struct {
	// fetched is what resources build that kustomize would fetch, or nil.
	fetched []byte
	// pending are Files by their paths without symbolic links.
	pending map[string][]byte
	// created are files that flux bootstrap fills and that must be there for a build,
	// standIns what they hold in memory.
	created  []string
	standIns map[string][]byte
}

// Error is a problem of a folder, in words with the paths as the user has them.
type Error struct {
	err      error
	from, to string
}

func (e *Error) Error() string {
	text := strings.ReplaceAll(e.err.Error(), e.from+string(filepath.Separator), strings.TrimSuffix(e.to, string(filepath.Separator))+string(filepath.Separator))
	return strings.ReplaceAll(text, e.from, e.to)
}

func (e *Error) Unwrap() error { return e.err }

// shown returns an error with the paths as the user has them.
func (f *folder) shown(err error) error {
	if err == nil {
		return nil
	}
	return &Error{err, f.dir, filepath.Clean(f.Dir)}
}

func open(config *v1alpha1.FluxTrust, o Options) (*folder, error) {
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--write %s: is not a folder; name the one with %s, or create it first", o.Dir, componentsFile)
	}
	work := *config
	work.Spec.Sources = nil
	f := &folder{Options: o, config: &work, hasSources: len(config.Spec.Sources) > 0, dir: Resolved(o.Dir)}
	f.root = f.findRoot()
	f.pending = map[string][]byte{}
	for file, text := range o.Files {
		f.pending[filepath.Join(Resolved(filepath.Dir(file)), filepath.Base(file))] = text
	}
	if err := f.read(); err != nil {
		return nil, f.shown(err)
	}
	return f, f.shown(f.checkRoot())
}

// findRoot returns the folder that Flux has in the cluster.
func (f *folder) findRoot() string {
	if f.Root != "" {
		return Resolved(f.Root)
	}
	root, _ := Repository(f.dir)
	return root
}

// Repository returns the nearest folder from one upwards that holds .git. Where there is
// none it returns the topmost folder, and false.
func Repository(dir string) (root string, ok bool) {
	for ; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, ".git"))
		if err == nil || dir == filepath.Dir(dir) {
			return dir, err == nil
		}
	}
}

// read reads the files that may change.
func (f *folder) read() error {
	f.file = filepath.Join(f.dir, konfig.DefaultKustomizationFileName())
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := filepath.Join(f.dir, name)
		data, err := stream.ReadRegular(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			if f.now != nil && len(bytes.TrimSpace(f.now)) > 0 {
				return fmt.Errorf("%s and %s are both kustomizations of one folder; remove one", f.file, file)
			}
			f.file, f.now = file, data
		}
	}
	data := f.now
	if len(bytes.TrimSpace(data)) == 0 {
		if err := f.leavesNothingOut(); err != nil {
			return err
		}
		data = []byte(newKustomization)
	}
	f.start = data
	var err error
	if f.clean, err = newText(f.file, data); err != nil {
		return err
	}
	if err := f.checkKind(); err != nil {
		return err
	}
	return f.readBundle()
}

// readBundle takes the objects of the config out of the file for them.
func (f *folder) readBundle() error {
	file := filepath.Join(f.dir, bundleFile)
	var err error
	if f.bundleNow, err = stream.ReadRegular(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.bundle, err = readBundle(file, f.bundleNow); err != nil {
		return err
	}
	delete(f.bundle, f.config.Metadata.Name)
	if f.others, err = f.bundle.text(); err != nil {
		return err
	}
	return f.clean.set(f.config.Metadata.Name, nil, nil, len(f.bundle) > 0)
}

// checkKind refuses what has the name of a kustomization and is another object.
func (f *folder) checkKind() error {
	var meta struct{ APIVersion, Kind string }
	root := yaml.NewRNode(f.clean.root)
	meta.APIVersion, meta.Kind = root.GetApiVersion(), root.GetKind()
	if meta.APIVersion != "" && !strings.HasPrefix(meta.APIVersion, "kustomize.config.k8s.io/") {
		return fmt.Errorf("%s: is a %s of %s, not one of kustomize.config.k8s.io/v1beta1; name the folder with %s", f.file, quote.Kind(meta.Kind), quote.APIVersion(meta.APIVersion), componentsFile)
	}
	return nil
}

// leavesNothingOut refuses a folder with more manifests than a new kustomization names.
// Flux builds a folder without one from all of them, and deletes what a build lacks.
func (f *folder) leavesNothingOut() error {
	ours := []string{Resolved(f.ConfigFile)}
	for _, name := range append([]string{componentsFile, syncFile, bundleFile}, konfig.RecognizedKustomizationFileNames()...) {
		ours = append(ours, filepath.Join(f.dir, name))
	}
	return filepath.WalkDir(f.dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", f.dir, err)
		case entry.IsDir() && file != f.dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir(), slices.Contains(ours, file), !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(file)):
			return nil
		}
		other := "name the folder with " + componentsFile + ", or "
		if _, err := os.Stat(filepath.Join(f.dir, componentsFile)); err == nil {
			other = ""
		}
		return fmt.Errorf("%s: has no kustomization.yaml, and a new one would leave out %s, which Flux would then delete from the cluster; "+
			"%sfirst list all manifests: (cd %s && kustomize create --autodetect --recursive)", f.dir, file, other, quote.Path(f.dir))
	})
}
