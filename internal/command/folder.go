package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// Files of a folder that flux bootstrap writes, and the one for the CA bundle.
const (
	componentsFile = "gotk-components.yaml"
	syncFile       = "gotk-sync.yaml"
	bundleFile     = "flux-trust-ca.yaml"
)

// newKustomization is what flux bootstrap would write:
// https://fluxcd.io/flux/installation/configuration/boostrap-customization/
const newKustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- " + componentsFile + "\n- " + syncFile + "\n"

// folder is a folder with a kustomization, as it is and as it is to be.
type folder struct {
	dir string
	// file is the path of the kustomization, document what is in it.
	file     string
	document *stream.Document
	work     *yaml.RNode
	// now holds the files that exist, want those that are to be; a file with nil goes.
	now, want map[string][]byte
}

// runFolder brings the patches in a folder up to date, checks that they are, or
// takes them out.
func runFolder(o patchOptions, config *v1alpha1.FluxTrust, configFile string, inputs []string, in io.Reader, errOut io.Writer) error {
	f, err := openFolder(o.write, configFile)
	if err != nil {
		return err
	}
	if o.remove && f.now[f.file] == nil {
		return nil // there is nothing to take out
	}
	var made []patches.Patch
	var bundle bundleObjects
	outcome := transformer.Outcome{}
	if !o.remove {
		if made, bundle, outcome, err = f.patches(o, config, configFile, inputs, in); err != nil {
			return err
		}
		if outcome.Failed() {
			printOutcome(errOut, outcome)
			return errReported
		}
	}
	if err := f.set(config.Metadata.Name, made, bundle); err != nil {
		return err
	}
	stale := f.stale()
	printPatched(errOut, len(made), outcome)
	if o.check {
		if len(stale) > 0 {
			return fmt.Errorf("%s is not up to date; run the same without --check, and commit the result", strings.Join(stale, " and "))
		}
		return nil
	}
	return f.save(stale)
}

func openFolder(dir, configFile string) (*folder, error) {
	f := &folder{dir: dir, file: filepath.Join(dir, "kustomization.yaml"), now: map[string][]byte{}, want: map[string][]byte{}}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--write %s: is no folder; name the one with %s, or create it first", dir, componentsFile)
	}
	if err := f.readKustomization(); err != nil {
		return nil, fmt.Errorf("--write %s: %w", dir, err)
	}
	text := f.now[f.file]
	if len(bytes.TrimSpace(text)) == 0 {
		if err := leavesNothingOut(dir, configFile); err != nil {
			return nil, err
		}
		text = []byte(newKustomization)
		for _, name := range []string{componentsFile, syncFile} { // flux bootstrap fills them
			if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
				f.want[filepath.Join(dir, name)] = []byte{}
			}
		}
	}
	documents, err := stream.Split(f.file, text, nil)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 || documents[0].Resource() == nil {
		return nil, fmt.Errorf("%s: is no kustomization: it must hold one document", f.file)
	}
	f.document, f.work = documents[0], documents[0].Resource().Copy()
	if version, kind := f.work.GetApiVersion(), f.work.GetKind(); version != "" && !strings.HasPrefix(version, "kustomize.config.k8s.io/") {
		return nil, fmt.Errorf("%s: is a %s of %s, not one of kustomize.config.k8s.io/v1beta1; name the folder with %s", f.file, kind, version, componentsFile)
	}
	if data, err := os.ReadFile(filepath.Join(dir, bundleFile)); err == nil { //nolint:gosec // as above
		f.now[filepath.Join(dir, bundleFile)] = data
	}
	return f, nil
}

// readKustomization reads the file that kustomize would take, if there is one.
func (f *folder) readKustomization() error {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := filepath.Join(f.dir, name)
		data, err := os.ReadFile(file) //nolint:gosec // in a folder that the user names
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		f.file, f.now[file] = file, data
		return err
	}
	return nil
}

// leavesNothingOut refuses a folder with more manifests than a new kustomization names.
// Flux builds a folder without one from all of them, and deletes what a build lacks.
func leavesNothingOut(dir, configFile string) error {
	ours := []string{filepath.Clean(configFile)}
	for _, name := range []string{componentsFile, syncFile, bundleFile, "kustomization.yaml", "kustomization.yml"} {
		ours = append(ours, filepath.Join(dir, name))
	}
	return filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("--write %s: %w", dir, err)
		case entry.IsDir() && file != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir(), slices.Contains(ours, file), !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(file)):
			return nil
		}
		return fmt.Errorf("--write %s: has no kustomization.yaml, and a new one would leave out %s, which Flux would then delete from the cluster; "+
			"name the folder with %s, or first name all manifests: kustomize create --autodetect --recursive", dir, file, componentsFile)
	})
}

// patches makes the patches for what the folder builds. Those for any install are
// taken where they do the same: they fit the controllers of the next release, too.
func (f *folder) patches(o patchOptions, config *v1alpha1.FluxTrust, configFile string, inputs []string, in io.Reader) ([]patches.Patch, bundleObjects, transformer.Outcome, error) {
	var none bundleObjects
	documents, err := f.documents(config, o.namespace)
	if err != nil {
		return nil, none, transformer.Outcome{}, err
	}
	if len(inputs) > 0 {
		more, err := readInputs(configFile, inputs, in, nil)
		if err != nil {
			return nil, none, transformer.Outcome{}, err
		}
		documents = append(documents, more...)
	}
	resources, _, _, err := resourcesOf(documents)
	if err != nil {
		return nil, none, transformer.Outcome{}, err
	}
	options := o.patchOptions()
	made, outcome := transformer.Patches(config, resources, options, time.Now())
	bundle := o.bundleOf(config, f.elsewhere(resources, outcome), outcome.Added)
	others := slices.DeleteFunc(slices.Clone(resources), func(r transformer.Resource) bool {
		return r.Node.GetKind() != "ConfigMap" && r.Node.GetKind() != "Secret"
	})
	if stock, _ := transformer.Patches(config, others, options, time.Now()); fitsAll(stock, made) && len(transformer.Namesakes(stock, resources, outcome)) == 0 {
		made = stock
	}
	return made, bundle, outcome, nil
}

// fitsAll tells whether one patch does what all others do.
func fitsAll(stock, made []patches.Patch) bool {
	if len(stock) != 1 || len(made) != 1 || !sameYAML(stock[0].Body, made[0].Body) || made[0].Target.Kind != stock[0].Target.Kind {
		return false
	}
	pattern, err := regexp.Compile(stock[0].Target.Name)
	names := strings.Split(strings.Trim(made[0].Target.Name, "^()$"), "|")
	return err == nil && !slices.ContainsFunc(names, func(name string) bool { return !pattern.MatchString(strings.ReplaceAll(name, `\`, "")) })
}

// sameYAML compares what texts mean: the order of keys is that of a manifest.
func sameYAML(a, b string) bool {
	var x, y any
	return yaml.Unmarshal([]byte(a), &x) == nil && yaml.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// documents reads the files that the kustomization names, and makes the ConfigMaps
// and Secrets of its generators. A certificate that lies in the folder under the
// name of a key, and that nothing provides, gets a generator.
func (f *folder) documents(config *v1alpha1.FluxTrust, namespace string) ([]*stream.Document, error) {
	var documents []*stream.Document
	list, err := f.work.Pipe(yaml.Lookup("resources"))
	if err != nil {
		return nil, fmt.Errorf("%s: resources: %w", f.file, err)
	}
	for _, entry := range list.Content() {
		file := filepath.Join(f.dir, entry.Value)
		data, err := os.ReadFile(file) //nolint:gosec // the kustomization names it
		if err != nil || len(bytes.TrimSpace(data)) == 0 {
			continue // a folder, an address, or not there yet
		}
		split, err := stream.Split(file, data, nil)
		if err != nil {
			return nil, err
		}
		documents = append(documents, split...)
	}
	if err := f.addGenerators(config, namespace, documents); err != nil {
		return nil, err
	}
	generated, err := f.generated()
	return append(documents, generated...), err
}

// elsewhere returns the resources that do not stand in files of the folder.
func (f *folder) elsewhere(resources []transformer.Resource, outcome transformer.Outcome) []*yaml.RNode {
	var found []*yaml.RNode
	for i, r := range resources {
		if filepath.Dir(r.File.Path) != filepath.Clean(f.dir) || filepath.Base(r.File.Path) == bundleFile {
			found = append(found, outcome.Items[i])
		}
	}
	return found
}

// set writes patches and objects into the copy of the kustomization.
func (f *folder) set(owner string, made []patches.Patch, bundle bundleObjects) error {
	list, err := f.list("patches", len(made) > 0)
	if err != nil {
		return err
	}
	if list != nil {
		if err := patches.Replace(list, owner, made); err != nil {
			return fmt.Errorf("%s: %w", f.file, err)
		}
		f.dropEmpty("patches", list)
	}
	objects, err := bundle.text()
	if err != nil {
		return err
	}
	if err := f.setBundle(owner, objects); err != nil {
		return err
	}
	if len(made) == 0 {
		if err := f.dropGenerators(owner); err != nil {
			return err
		}
	}
	f.document.Replace(f.work)
	text, err := stream.Join([]*stream.Document{f.document})
	if err != nil {
		return fmt.Errorf("%s: %w", f.file, err)
	}
	f.want[f.file] = text.Bytes()
	return nil
}

// setBundle writes the file with the ConfigMaps and its entry under resources.
func (f *folder) setBundle(owner, objects string) error {
	file := filepath.Join(f.dir, bundleFile)
	list, err := f.list("resources", objects != "")
	if err != nil || list == nil {
		return err
	}
	isOurs := func(n *yaml.Node) bool { return filepath.Clean(n.Value) == bundleFile }
	switch {
	case objects == "":
		list.Content = slices.DeleteFunc(list.Content, isOurs)
		if f.now[file] != nil {
			f.want[file] = nil
		}
		return nil
	case !slices.ContainsFunc(list.Content, isOurs):
		list.Content = append(list.Content, yaml.NewScalarRNode(bundleFile).YNode())
		list.Style &^= yaml.FlowStyle
	}
	// Objects that come from the file bring the first line along.
	header := "# Written by flux-trust patches for FluxTrust " + owner + ".\n"
	f.want[file] = []byte(header + strings.ReplaceAll(objects, header, ""))
	return nil
}

// list returns a list of the kustomization, and makes it where it is to be.
func (f *folder) list(key string, create bool) (*yaml.Node, error) {
	root := f.work.YNode()
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != key {
			continue
		}
		value := root.Content[i+1]
		switch {
		case value.Kind == yaml.SequenceNode:
			return value, nil
		case value.Tag != yaml.NodeTagNull:
			return nil, fmt.Errorf("%s: %s: expected a list", f.file, key)
		case !create:
			return nil, nil
		}
		root.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
		return root.Content[i+1], nil
	}
	if !create {
		return nil, nil
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: yaml.NodeTagSeq}
	root.Content = append(root.Content, yaml.NewScalarRNode(key).YNode(), list)
	return list, nil
}

// dropEmpty removes a list that has become empty.
func (f *folder) dropEmpty(key string, list *yaml.Node) {
	root := f.work.YNode()
	for i := 0; i+1 < len(root.Content) && len(list.Content) == 0; i += 2 {
		if root.Content[i].Value == key {
			root.Content = slices.Delete(root.Content, i, i+2)
			return
		}
	}
}
