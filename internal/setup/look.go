package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"sigs.k8s.io/kustomize/api/konfig"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// Files that say what a folder is.
const (
	componentsFile = "gotk-components.yaml"
	kptFile        = "Kptfile"
	// bootstrapName is what flux bootstrap calls its folder.
	bootstrapName = "flux-system"
)

// look says what a folder is. One in which Flux is not is an error that names those in
// which it is.
func look(dir string) (Kind, error) {
	if kind := kindOf(dir); kind != "" {
		return kind, nil
	}
	files, err := yamlFiles(dir)
	if err != nil {
		return "", err
	}
	files = slices.DeleteFunc(files, isOurs)
	switch {
	case len(files) == 0 && isBootstrapName(dir):
		return Bootstrap, nil
	case len(files) > 0 || len(below(dir)) > 0:
		return "", fmt.Errorf("--dir %w", notHere(dir))
	default:
		return Empty, nil
	}
}

// notHere says that Flux is not in a folder, and where it is.
func notHere(dir string) error {
	if found := below(dir); len(found) > 0 {
		return fmt.Errorf("%s: Flux is not in this folder; it is in %s: name that", dir, strings.Join(found, " and in "))
	}
	return fmt.Errorf("%s: no manifest there installs Flux: there is no %s, no kustomization, no FluxInstance, no HelmRelease of Flux and no Kptfile; name the folder where it is, or an empty one", dir, componentsFile)
}

// isBootstrapName reports whether a folder is called as those of flux bootstrap.
func isBootstrapName(dir string) bool {
	absolute, err := filepath.Abs(dir)
	return err == nil && filepath.Base(absolute) == bootstrapName
}

// HasFlux reports whether a folder is one that init changes.
func HasFlux(dir string) bool { return kindOf(dir) != "" }

// kindOf returns what a folder is in which Flux is, or "".
func kindOf(dir string) Kind {
	switch {
	case isFile(filepath.Join(dir, kptFile)):
		return Package
	case isFile(filepath.Join(dir, componentsFile)):
		return Bootstrap
	case hasKustomization(dir):
		return Kustomization
	}
	files, err := yamlFiles(dir)
	if err == nil && len(holding(files)) > 0 {
		return Manifests
	}
	return ""
}

func hasKustomization(dir string) bool {
	return slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), func(name string) bool { return isFile(filepath.Join(dir, name)) })
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// isEmpty reports whether there is nothing in a file, or no file.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// below returns the folders below one in which Flux seems to be.
func below(dir string) []string {
	const most = 2000 // folders to look into
	var found []string
	seen := 0
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil: // what cannot be read is not found
			return fs.SkipDir
		case !entry.IsDir(), path == dir:
			return nil
		case strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules":
			return fs.SkipDir
		}
		if seen++; seen > most {
			return fs.SkipAll
		}
		switch kindOf(path) {
		case Bootstrap, Manifests:
			found = append(found, path)
			return fs.SkipDir
		default:
			return nil
		}
	})
	return found
}

// yamlFiles returns the files with YAML of a folder.
func yamlFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if isYAML(e.Name()) && !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name))
}

// mayInstall matches texts that may hold what installs Flux, or is it.
var mayInstall = pattern.Pattern{Text: `(?m)\bkind"?: *["']?(FluxInstance|HelmRelease|ResourceSet|Deployment|List)\b`}

// holding returns those of the files that install Flux, or hold its controllers.
func holding(files []string) []string {
	var objects []*krm.Object
	for _, path := range files {
		data, err := stream.ReadRegular(path)
		if err != nil || !mayInstall.Get().Match(data) && !strings.Contains(string(data), "kind: OCIRepository") {
			continue
		}
		documents, err := stream.Split(path, data, nil)
		if err != nil {
			continue // what needs it says so
		}
		objects = append(objects, objectsIn(path, documents)...)
	}
	found := inventory.Of(objects, &v1alpha1.Controllers{})
	var holding []string
	for _, w := range found.Workloads {
		if len(w.Selected) > 0 {
			holding = append(holding, pathOf(w.Object))
		}
	}
	for _, i := range found.Installers {
		if i.Set != nil {
			i.Object = i.Set
		}
		holding = append(holding, pathOf(i.Object))
	}
	slices.Sort(holding)
	return slices.Compact(holding)
}

// objectsIn returns the objects of the documents of a file.
func objectsIn(path string, documents []*stream.Document) []*krm.Object {
	var objects []*krm.Object
	for _, d := range documents {
		if d.Resource() != nil {
			some, _ := krm.NewObjects(d.Resource().YNode(), &krm.File{Path: path})
			objects = append(objects, some...)
		}
	}
	return objects
}

// pathOf returns the file of an object, or "" where it stands in another one.
func pathOf(o *krm.Object) string {
	if o.File == nil {
		return ""
	}
	return o.File.Path
}

// ourMark stands in the files that init makes.
const ourMark = "# Written by flux-trust init"

func isOurs(path string) bool {
	data, err := stream.ReadRegular(path)
	return err == nil && strings.Contains(string(data), ourMark)
}

// hasKind reports whether a text holds an object of a kind, at least nearly.
func hasKind(text, kind string) bool {
	return strings.Contains(text, kind) && regexp.MustCompile(`(?m)\bkind"?: *["']?`+kind+`\b`).MatchString(text)
}

// readIfThere returns a file, or nil where there is none.
func readIfThere(path string) ([]byte, error) {
	data, err := stream.ReadRegular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, syscall.EISDIR):
		return nil, fmt.Errorf("%s: is a folder, where a file of this name belongs; rename it", path)
	}
	if err == nil && data == nil {
		data = []byte{}
	}
	return data, err
}
