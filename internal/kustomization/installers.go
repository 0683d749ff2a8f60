package kustomization

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// Objects from which controllers are made in the cluster hold patches themselves, so
// they are changed where they stand, as the function changes them in a stream.

func isInstaller(o *yaml.RNode) bool {
	group, _, _ := strings.Cut(o.GetApiVersion(), "/")
	return flux.IsInstaller(group, o.GetKind())
}

// installers returns the files of the installers that the function has changed, as
// they are to be.
func (f *folder) installers(w wanted, b *built) (map[string][]byte, error) {
	files := map[string][]byte{}
	for i, before := range w.before {
		if w.Items[i] == nil || w.Items[i] == before || !isInstaller(before) {
			continue
		}
		file, at, err := b.find(before, w.patched[i], files)
		if err != nil {
			return nil, err
		}
		rest := slices.Concat(w.before[:i], w.before[i+1:], w.extra)
		if files[file], err = f.edited(f.config, b, files, file, at, rest); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// edited returns a file in which the function has changed one document. It sees the
// rest of a stream, too.
func (f *folder) edited(config *v1alpha1.FluxTrust, b *built, files map[string][]byte, file string, at int, rest []*yaml.RNode) ([]byte, error) {
	documents, err := b.documents(file, files)
	if err != nil {
		return nil, err
	}
	resources := []transformer.Resource{{Node: documents[at].Resource()}}
	for _, o := range rest {
		resources = append(resources, transformer.Resource{Node: o})
	}
	outcome := transformer.Run(config, resources, f.Now)
	if outcome.Failed() {
		return nil, &OutcomeError{file, outcome}
	}
	if outcome.Items[0] != resources[0].Node {
		documents[at].Replace(outcome.Items[0])
	}
	out, err := stream.Join(documents)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out.Bytes(), nil
}

// OutcomeError is a run of the function with errors.
type OutcomeError struct {
	// About is what it was run over.
	About   string
	Outcome transformer.Outcome
}

func (e *OutcomeError) Error() string {
	var messages []string
	for _, r := range e.Outcome.Findings {
		if r.Severity == krm.Error {
			messages = append(messages, r.Message)
		}
	}
	return e.About + ": " + strings.Join(messages, "; ")
}

// documents reads a file of resources.
func (b *built) documents(file string, files map[string][]byte) ([]*stream.Document, error) {
	data, ok := files[file]
	if !ok {
		var err error
		if data, err = b.readFile(file); err != nil {
			return nil, err
		}
	}
	return stream.Split(file, data, nil)
}

// find returns the file and the document that an object of a build comes from.
func (b *built) find(o *yaml.RNode, patched string, files map[string][]byte) (string, int, error) {
	namespace, name := markedName(patched)
	if name == "" {
		namespace, name = o.GetNamespace(), o.GetName()
	}
	type place struct {
		file string
		at   int
	}
	var exact, loose []place
	for _, file := range slices.Sorted(maps.Keys(b.read)) {
		documents, err := b.documents(file, files)
		if err != nil {
			return "", 0, err
		}
		for i, d := range documents {
			r := d.Resource()
			if r == nil || r.GetKind() != o.GetKind() || !isInstaller(r) || !strings.Contains(name, r.GetName()) {
				continue
			}
			loose = append(loose, place{file, i})
			if r.GetName() == name && (r.GetNamespace() == namespace || r.GetNamespace() == "") {
				exact = append(exact, place{file, i})
			}
		}
	}
	for _, places := range [][]place{exact, loose} {
		if len(places) == 1 {
			return places[0].file, places[0].at, nil
		}
	}
	return "", 0, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), errNoFile)
}

var errNoFile = errors.New("holds patches for the controllers that it installs, and no one file of the folder has it under this name, so it cannot be changed there; " +
	"change it with flux-trust CONFIG FILE --write")

// release returns the files of the folder in which an installer holds patches of the
// config, without them.
func (f *folder) release() (map[string][]byte, error) {
	f.fetched = []byte{} // nothing in them is in a file of the folder
	from, err := f.source(state{kustomization: f.clean})
	if err != nil {
		return nil, err
	}
	b := &built{survey: newSurvey(from)}
	if err := b.visit(f.dir, false); err != nil {
		return nil, from.screened(err)
	}
	type place struct {
		file string
		at   int
	}
	var places []place
	var all []*yaml.RNode
	for _, file := range slices.Sorted(maps.Keys(b.read)) {
		documents, err := b.documents(file, nil)
		if err != nil {
			return nil, err
		}
		for i, d := range documents {
			if r := d.Resource(); r != nil {
				places, all = append(places, place{file, i}), append(all, r)
			}
		}
	}
	files := map[string][]byte{}
	for i, o := range all {
		text, err := o.String()
		if err != nil {
			return nil, err
		}
		if !isInstaller(o) || !strings.Contains(text, v1alpha1.OwnMark) {
			continue
		}
		file := places[i].file
		if files[file], err = f.edited(None(f.config), b, files, file, places[i].at, slices.Concat(all[:i], all[i+1:])); err != nil {
			return nil, err
		}
	}
	return files, nil
}
