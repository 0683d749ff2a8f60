package setup

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// kptPackage plans a kpt package: its Kptfile gets the function, and kpt changes the rest
// when it renders the package.
func (o *Options) kptPackage(c *config, given []Root) (*Plan, error) {
	files, err := packageFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(path string) bool { return path == c.path })
	store, t, _, outcome, err := o.run(c, files, given)
	if err != nil {
		return nil, err
	}
	p := o.planOf(Package, c, t, outcome)
	if p.Outcome.Failed() {
		return p, nil
	}
	kpt, err := o.kptfile(c)
	if err != nil {
		return nil, err
	}
	return p, p.settle(given, c, t, store, c.file(), kpt)
}

// packageFiles returns the files with YAML of a package, and of those in it.
func packageFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.IsDir() && isYAML(entry.Name()):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// kptfile plans the Kptfile with the function.
func (o *Options) kptfile(c *config) (kustomization.File, error) {
	f := kustomization.File{Path: o.inDir(kptFile)}
	var err error
	if f.Before, err = readIfThere(f.Path); err != nil {
		return f, err
	}
	f.After = f.Before
	documents, err := stream.Split(f.Path, f.Before, nil)
	if err != nil {
		return f, err
	}
	at := slices.IndexFunc(documents, func(d *stream.Document) bool { return d.Resource() != nil && d.Resource().GetKind() == kptFile })
	if at < 0 {
		return f, fmt.Errorf("%s: holds no object of the kind Kptfile; write one, as kpt pkg init does", f.Path)
	}
	work := documents[at].Resource().Copy()
	list, err := work.Pipe(yaml.LookupCreate(yaml.SequenceNode, "pipeline", "mutators"))
	if err != nil {
		return f, fmt.Errorf("%s: pipeline.mutators: %w", f.Path, err)
	}
	path := filepath.Base(c.path)
	for _, n := range list.Content() {
		if named, err := yaml.NewRNode(n).GetString("configPath"); err == nil && filepath.Clean(named) == path {
			return f, nil
		}
	}
	entry, err := yaml.Parse(fmt.Sprintf("exec: flux-trust\nconfigPath: %s\n", path))
	if err != nil {
		return f, err
	}
	if len(list.Content()) == 0 {
		list.YNode().Style &^= yaml.FlowStyle
	}
	list.YNode().Content = append(list.YNode().Content, entry.YNode())
	documents[at].Replace(work)
	out, err := stream.Join(documents)
	if err != nil {
		return f, fmt.Errorf("%s: %w", f.Path, err)
	}
	f.After = out.Bytes()
	return f, nil
}
