package kustomization

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// layer is one kustomization of a build.
type layer struct {
	// dir is its folder and file its path, the folder without symbolic links.
	dir, file string
	// Kustomization is what kustomize reads in it.
	types.Kustomization
	// plugins says that it lists plugins and not resources.
	plugins bool
	// found is what was found in it, before anything was changed.
	found []byte
}

// changed returns what kustomize is to read in place of a layer, or nil where that is
// its file.
func (l *layer) changed() ([]byte, error) {
	text, err := yaml.Marshal(l.Kustomization)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.file, err)
	}
	if bytes.Equal(text, l.found) {
		return nil, nil
	}
	return text, nil
}

// survey walks through the kustomizations of a build as kustomize does, and sees
// every file that each names.
type survey struct {
	source
	layers []*layer
	// read are the files of resources.
	read map[string]bool
	// unread are files that are not looked at; the build gets empty ones.
	unread map[string]bool
	// used are the files that kustomize has read, on the disk or in memory.
	used map[string]bool
	// absent are files of generators that are not there.
	absent []string
	// openAPI says that a layer changes the schema that kustomize merges by.
	openAPI bool
}

func newSurvey(s source) survey {
	return survey{source: s, read: map[string]bool{}, unread: map[string]bool{}, used: map[string]bool{}}
}

// visit looks at the kustomization in a folder, and at those below it.
func (s *survey) visit(dir string, plugins bool) error {
	dir = Resolved(dir)
	if slices.ContainsFunc(s.layers, func(l *layer) bool { return l.dir == dir && l.plugins == plugins }) {
		return nil
	}
	l := &layer{dir: dir, plugins: plugins}
	text, err := s.kustomizationIn(l)
	if err != nil {
		return err
	}
	if err := l.Unmarshal(text); err != nil {
		return fmt.Errorf("%s: %w", l.file, err)
	}
	l.FixKustomization()
	if l.found, err = yaml.Marshal(l.Kustomization); err != nil {
		return fmt.Errorf("%s: %w", l.file, err)
	}
	s.layers = append(s.layers, l)
	s.openAPI = s.openAPI || len(l.OpenAPI) > 0
	if s.change != nil {
		s.change(l)
	}
	if err := s.checkPlugins(l); err != nil {
		return err
	}
	for _, f := range foldersOf(l) {
		for i, entry := range *f.entries {
			if (*f.entries)[i], err = s.entry(l, f, i, entry); err != nil {
				return err
			}
		}
	}
	if err := s.fields(l); err != nil {
		return err
	}
	return s.generators(l)
}

// kustomizationIn finds the kustomization of a layer.
func (s *survey) kustomizationIn(l *layer) ([]byte, error) {
	var text []byte
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := filepath.Join(l.dir, name)
		found, err := s.readFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case l.file != "":
			return nil, fmt.Errorf("%s and %s are both kustomizations of one folder; remove one", l.file, file)
		default:
			l.file, text = file, found
		}
	}
	if l.file == "" {
		return nil, fmt.Errorf("%s: has no kustomization.yaml", l.dir)
	}
	return text, nil
}

// folders is a field whose entries are files or folders.
type folders struct {
	name    string
	entries *[]string
	// plugins says that they configure kustomize; a text may stand in place of a file.
	plugins bool
}

func foldersOf(l *layer) []folders {
	return []folders{
		{"resources", &l.Resources, l.plugins},
		{"components", &l.Components, l.plugins},
		{"generators", &l.Generators, true},
		{"transformers", &l.Transformers, true},
		{"validators", &l.Validators, true},
	}
}

// entry looks at an entry of folders, and returns what takes its place.
func (s *survey) entry(l *layer, f folders, i int, entry string) (string, error) {
	at := fmt.Sprintf("%s: %s[%d]", l.file, f.name, i)
	if f.plugins && isInline(entry) {
		return entry, s.plugin(at, l, []byte(entry))
	}
	if isRemoteFolder(entry) {
		e := &RemoteError{l.file, fmt.Sprintf("%s[%d]", f.name, i), entry}
		if s.remote == nil || f.name != "resources" || f.plugins {
			return "", e
		}
		return s.remote(e)
	}
	file := entry
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.dir, entry)
	}
	isDir, err := s.isDir(file)
	switch {
	case errors.Is(err, errNotFound) && strings.Contains(entry, `\`):
		return "", fmt.Errorf(`%s: %s %w; kustomize separates folders by / on every system: write %s`, at, entry, err, strings.ReplaceAll(entry, `\`, "/"))
	case err != nil:
		return "", fmt.Errorf("%s: %s %w", at, entry, err)
	case isDir:
		return entry, s.visit(file, f.plugins)
	case !f.plugins:
		s.read[file] = true
		return entry, nil
	}
	text, err := s.readFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", at, err)
	}
	return entry, s.plugin(fmt.Sprintf("%s: %s", at, entry), l, text)
}

// isInline reports whether an entry is the text of a plugin, not its file.
func isInline(entry string) bool {
	var object map[string]any
	return yaml.Unmarshal([]byte(entry), &object) == nil
}

// fields refuses files to be downloaded.
func (s *survey) fields(l *layer) error {
	named := map[string]string{"openapi.path": l.OpenAPI["path"]}
	for i, p := range l.Patches {
		named[fmt.Sprintf("patches[%d].path", i)] = p.Path
	}
	for i, p := range l.PatchesJson6902 { //nolint:staticcheck // as people have it
		named[fmt.Sprintf("patchesJson6902[%d].path", i)] = p.Path
	}
	for i, p := range l.PatchesStrategicMerge { //nolint:staticcheck // as people have it
		named[fmt.Sprintf("patchesStrategicMerge[%d]", i)] = string(p)
	}
	for i, r := range l.Replacements {
		named[fmt.Sprintf("replacements[%d].path", i)] = r.Path
	}
	for i, file := range l.Crds {
		named[fmt.Sprintf("crds[%d]", i)] = file
	}
	for i, file := range l.Configurations {
		named[fmt.Sprintf("configurations[%d]", i)] = file
	}
	for field, file := range named {
		if isRemoteFile(file) {
			return &RemoteError{l.file, field, file}
		}
	}
	return nil
}

// generators sees which files become ConfigMaps and Secrets.
func (s *survey) generators(l *layer) error {
	for i, g := range l.ConfigMapGenerator {
		if err := s.generator(l, fmt.Sprintf("configMapGenerator[%d]", i), g.GeneratorArgs, false); err != nil {
			return err
		}
	}
	for i, g := range l.SecretGenerator {
		if err := s.generator(l, fmt.Sprintf("secretGenerator[%d]", i), g.GeneratorArgs, !slices.Contains(s.secrets, g.Name)); err != nil {
			return err
		}
	}
	return nil
}

// generator looks at the files of one. What lies in a Secret that the config does not
// name is not read where any bytes will do.
func (s *survey) generator(l *layer, at string, g types.GeneratorArgs, closed bool) error {
	for _, source := range g.FileSources {
		file := source
		if _, after, ok := strings.Cut(source, "="); ok {
			file = after
		}
		if err := s.content(l, at, file, closed); err != nil {
			return err
		}
	}
	for _, file := range g.EnvSources { // the build fails where this is not a list of variables
		if err := s.content(l, at, file, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) content(l *layer, at, file string, closed bool) error {
	if isRemoteFile(file) {
		return &RemoteError{l.file, at, file}
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.dir, file)
	}
	isDir, err := s.isDir(file)
	switch {
	case errors.Is(err, errNotFound):
		s.absent = append(s.absent, file)
		s.unread[file] = true
	case err == nil && !isDir && closed:
		s.unread[file] = true
	}
	return nil
}

// checkPlugins refuses a folder of plugins that changes them: what they would read
// then cannot be seen here.
func (s *survey) checkPlugins(l *layer) error {
	if !l.plugins {
		return nil
	}
	rest := l.Kustomization
	rest.TypeMeta, rest.MetaData, rest.Resources, rest.BuildMetadata = types.TypeMeta{}, nil, nil, nil
	text, err := yaml.Marshal(rest)
	if err != nil {
		return fmt.Errorf("%s: %w", l.file, err)
	}
	if changes := strings.TrimSpace(string(text)); changes != "{}" {
		field, _, _ := strings.Cut(changes, ":")
		return fmt.Errorf("%s: %s: changes generators or transformers, and flux-trust cannot see what they would fetch; list their files under resources alone, "+
			"or name the build as INPUT", l.file, field)
	}
	return nil
}

// plugin refuses functions, and what a plugin of kustomize would download.
func (s *survey) plugin(at string, l *layer, text []byte) error {
	for _, document := range strings.Split(string(text), "\n---") {
		var object any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			continue // kustomize says so
		}
		if path := remotePath("", object); path != "" {
			return &RemoteError{l.file, strings.TrimPrefix(at, l.file+": "), path}
		}
		if m, ok := object.(map[string]any); ok && m["kind"] != nil && m["apiVersion"] != "builtin" {
			return fmt.Errorf("%s: %v of %v is a function, and Flux runs no functions (external plugins disabled): take it out there; what FluxTrust does, flux-trust patches does without", at, m["kind"], m["apiVersion"])
		}
	}
	return nil
}

// remotePath returns an address below a key that names files.
func remotePath(key string, value any) string {
	switch value := value.(type) {
	case string:
		file := value
		if _, after, ok := strings.Cut(value, "="); ok {
			file = after
		}
		names := []string{"path", "paths", "files", "envs", "env", "filesources", "envsources", "valuesfile", "additionalvaluesfiles", "repo"}
		if slices.Contains(names, strings.ToLower(key)) && (isRemoteFolder(value) || isRemoteFolder(file)) {
			return value
		}
	case []any:
		for _, v := range value {
			if path := remotePath(key, v); path != "" {
				return path
			}
		}
	case map[string]any:
		for k, v := range value {
			if path := remotePath(k, v); path != "" {
				return path
			}
		}
	}
	return ""
}
