package kustomization

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"

	securefs "github.com/fluxcd/pkg/kustomize/filesys"
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
	b := &built{survey: survey{source: s, read: map[string]bool{}, unread: map[string]string{}}}
	dir = resolved(dir)
	if err := b.visit(dir, false); err != nil {
		return nil, err
	}
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	if b.objects, err = run(files, dir, b.openAPI); err != nil {
		return nil, err
	}
	return b, nil
}

// files returns the file system that kustomize reads from, and which it writes to in
// memory only.
func (b *built) files() (filesys.FileSystem, error) {
	memory := guarded{FileSystem: securefs.MakeFsInMemory(b.disk), unread: b.unread}
	for file, text := range b.edits {
		if err := memory.WriteFile(file, text); err != nil {
			return nil, err
		}
	}
	for _, l := range b.layers {
		memory.seen = append(memory.seen, l.file)
		text, err := l.changed()
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		if err := memory.WriteFile(l.file, text); err != nil {
			return nil, err
		}
	}
	return memory, nil
}

// guarded gives kustomize what the survey has seen, and no other kustomization.
type guarded struct {
	filesys.FileSystem
	seen   []string
	unread map[string]string
}

func (g guarded) ReadFile(file string) ([]byte, error) {
	if text, ok := g.unread[file]; ok {
		return []byte(text), nil
	}
	if slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(file)) && !slices.Contains(g.seen, file) {
		return nil, fmt.Errorf("%s: %w", file, os.ErrNotExist)
	}
	return g.FileSystem.ReadFile(file)
}

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
