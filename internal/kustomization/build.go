package kustomization

import (
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// built is what a folder builds, and what has been looked at for it.
type built struct {
	survey
	objects []*yaml.RNode
}

// build returns what kustomize makes of a folder, with the restrictions of Flux:
// github.com/fluxcd/pkg/kustomize, SecureBuild. Unlike it, nothing is fetched, and
// files of generators that are not there do not end it.
func (s source) build(dir string) (*built, error) {
	b := &built{survey: newSurvey(s)}
	dir = Resolved(dir)
	if err := b.visit(dir, false); err != nil {
		return nil, s.screened(err)
	}
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	if b.objects, err = run(files, dir, b.openAPI); err != nil {
		return nil, s.screened(err)
	}
	return b, nil
}

// files returns the file system that kustomize reads from.
func (b *built) files() (filesys.FileSystem, error) {
	seen := guarded{FileSystem: b.disk, texts: map[string][]byte{}, layers: map[string]bool{}, used: b.used}
	for file, text := range b.edits {
		seen.texts[file] = text
	}
	for file := range b.unread {
		seen.texts[file] = []byte{}
	}
	for _, l := range b.layers {
		seen.layers[l.file] = true
		text, err := l.changed()
		if err != nil {
			return nil, err
		}
		if text != nil {
			seen.texts[l.file] = text
		}
	}
	return seen, nil
}

// guarded gives kustomize what the survey has seen, no other kustomization, and no
// way to write.
type guarded struct {
	filesys.FileSystem
	texts  map[string][]byte
	layers map[string]bool
	// used are the files that it has read.
	used map[string]bool
}

func (g guarded) ReadFile(file string) ([]byte, error) {
	if slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(file)) && !g.layers[file] {
		return nil, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	if text, ok := g.texts[file]; ok {
		g.used[file] = true
		return text, nil
	}
	text, err := g.FileSystem.ReadFile(file)
	if err == nil {
		g.used[file] = true
	}
	return text, err
}

func denied(file string) error {
	return &fs.PathError{Op: "write", Path: file, Err: fs.ErrPermission}
}

func (g guarded) Create(file string) (filesys.File, error) { return nil, denied(file) }
func (g guarded) Mkdir(dir string) error                   { return denied(dir) }
func (g guarded) MkdirAll(dir string) error                { return denied(dir) }
func (g guarded) RemoveAll(path string) error              { return denied(path) }
func (g guarded) WriteFile(file string, _ []byte) error    { return denied(file) }

// run runs kustomize. It panics on some inputs, and it writes warnings to stderr,
// which are about fields that work.
func run(files filesys.FileSystem, dir string, openAPI bool) (objects []*yaml.RNode, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: kustomize panics: %v", dir, r)
		}
	}()
	defer quiet()()
	if openAPI {
		// What a kustomization says about the schema is said to the whole process.
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone // the file system has those of Flux
	resources, err := krusty.MakeKustomizer(options).Run(files, dir)
	if err != nil {
		return nil, fmt.Errorf("kustomize build %s: %w", dir, err)
	}
	for _, r := range resources.Resources() {
		objects = append(objects, r.Copy())
	}
	return objects, nil
}

// quiet holds back what kustomize writes to stderr, until what it returns is called.
func quiet() func() {
	stderr, logger := os.Stderr, log.Writer()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return func() {}
	}
	os.Stderr = null
	log.SetOutput(io.Discard)
	return func() {
		os.Stderr = stderr
		log.SetOutput(logger)
		_ = null.Close()
	}
}
