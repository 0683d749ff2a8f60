package kustomization

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/transformer"
)

// Result is what a folder is to be.
type Result struct {
	// Files are to be written in their order.
	Files []File
	// Patches counts those in the kustomization. InPlace says that there is none, and that the
	// manifests hold the change.
	Patches int
	InPlace bool
	// Outcome is that of the function over the build. Where it has failed, no file is
	// to be written.
	Outcome transformer.Outcome
}

// Reconcile says what a folder has to be so that its build is what the function makes
// of it: the folder is built without the work of the config, the function is run over
// that, the patches that do the same are put in, in memory, and what is built then is
// compared. An error says what stands against it.
func Reconcile(config *v1alpha1.FluxTrust, o Options) (Result, error) {
	f, err := open(config, o)
	if err != nil {
		return Result{}, err
	}
	r, err := f.reconcile()
	r.Outcome.Findings = append(r.Outcome.Findings, f.findings...)
	return r, f.shown(err)
}

// Remove says what a folder is without the work of a config.
func Remove(config *v1alpha1.FluxTrust, o Options) (Result, error) {
	f, err := open(config, o)
	if err != nil || f.now == nil {
		return Result{}, err
	}
	n, err := f.withBundle(needs{}, nil)
	if err != nil {
		return Result{}, f.shown(err)
	}
	files, err := f.release()
	if err != nil {
		return Result{}, f.shown(err)
	}
	r, err := f.result(state{f.clean, files}, n)
	return r, f.shown(err)
}

func (f *folder) reconcile() (Result, error) {
	if err := f.takeInputs(); err != nil {
		return Result{}, err
	}
	configured, err := f.configured()
	if err != nil {
		return Result{}, err
	}
	plain, err := f.first(configured)
	if err != nil {
		return Result{}, err
	}
	n, err := f.objects(plain)
	if err != nil {
		return Result{}, err
	}
	before, err := f.with(n, nil)
	if err != nil {
		return Result{}, err
	}
	patched, err := f.patched(before)
	if err != nil {
		return Result{}, err
	}
	mark := func(l *layer) { patched(l); configured(l) }
	b, err := f.build(before, f.without, mark)
	if err != nil {
		return Result{}, err
	}
	if err := f.checkMarks(before, b); err != nil {
		return Result{}, err
	}
	want, err := f.function(f.config, b.objects)
	if err != nil || want.Failed() {
		f.notListed(b)
		f.tellAbsent(b)
		return Result{Outcome: want.Outcome}, err
	}
	after, built, made, err := f.choose(n, want, b, mark)
	if err != nil {
		return Result{}, err
	}
	if err := f.confirm(after, built); err != nil {
		return Result{}, err
	}
	if err := f.checkSyncs(b, before, after, mark); err != nil {
		return Result{}, err
	}
	f.tell(b)
	r, err := f.result(after, n)
	r.Patches, r.Outcome = len(made), want.Outcome
	return r, err
}

// checkSyncs compares what Flux builds around the folder.
func (f *folder) checkSyncs(b *built, before, after state, mark change) error {
	syncs, unchecked := f.syncs(b.objects)
	for _, text := range unchecked {
		f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s", text)
	}
	for _, y := range syncs {
		err := f.checkSync(y, before, after, mark)
		if not := (*uncheckedError)(nil); errors.As(err, &not) {
			f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "Flux builds %s (Kustomization %s), and that could not be looked at: %s", y.spec.Path, y.name, f.shown(err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkMarks sees that marks change no more than annotations: a strategic merge drops
// entries of lists that appear twice.
func (f *folder) checkMarks(s state, marked *built) error {
	goal, err := newWorld(marked.objects)
	if err != nil {
		return err
	}
	differ := (*DifferentError)(nil)
	if _, err = f.compare(goal, s, f.without); errors.As(err, &differ) {
		first := differ.differences[0]
		return fmt.Errorf("%s: %s: %s: an entry appears twice, so that every further patch drops one of the two; take it out of your patches", f.file, first.object, first.path)
	}
	return err
}

// notListed says that Flux lies in the folder and is not built.
func (f *folder) notListed(b *built) {
	file := filepath.Join(f.dir, componentsFile)
	if _, err := f.disk(file); err == nil && !b.read[file] && len(f.selected(b.objects)) == 0 {
		f.findings.Add(krm.Error, codes.NoControllers, nil, krm.Difference{}, "%s is in the folder, and not among the resources of %s; list it there", f.path(file), filepath.Base(f.file))
	}
}

// tellAbsent names files of generators that are not there. What a generator names may be
// what should stand in the file.
func (f *folder) tellAbsent(b *built) {
	slices.Sort(b.absent)
	for _, file := range slices.Compact(b.absent) {
		if rel, err := filepath.Rel(f.dir, file); err == nil {
			file = filepath.Join(f.Dir, quote.File(rel))
		}
		f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is not there, and a generator names it: the build was made with an empty one", file)
	}
}

// tell says what has not been looked at, and what Flux will make of it.
func (f *folder) tell(b *built) {
	f.tellAbsent(b)
	f.tellLinks(b)
	f.tellIgnored(b)
	for file := range f.standIns {
		if filepath.Base(file) == componentsFile && len(f.Inputs) == 0 {
			f.findings.Add(krm.Warning, codes.Unchecked, nil, krm.Difference{}, "%s is not there yet, or empty: the patches are for what flux bootstrap writes; check again when it has run", f.path(file))
		}
	}
	if f.hasSources {
		f.findings.Add(krm.Warning, codes.SourcesNotPatched, nil, krm.Difference{}, "spec.sources is not part of the patches, which are for the controllers; run the function over the Flux objects themselves")
	}
	for _, o := range b.objects {
		if o.GetApiVersion() == v1alpha1.GroupVersion && o.GetKind() == v1alpha1.Kind {
			f.findings.Add(krm.Error, codes.ConfigInBuild, krm.NewObject(o.YNode(), nil), krm.Difference{}, "is built by the folder, so Flux would apply it, and the API server does not know the kind; "+
				"take it out of the resources, or give it the annotation config.kubernetes.io/local-config: \"true\"")
		}
	}
}

// first builds the folder without the work of the config. Files that flux bootstrap is
// going to fill hold a stock Flux for that. Objects that the config names are marked.
func (f *folder) first(mark change) (*built, error) {
	files, err := f.bootstrapFiles()
	if err != nil {
		return nil, err
	}
	f.standIns = map[string][]byte{}
	for _, file := range files {
		f.standIns[file] = []byte{}
		if filepath.Base(file) == componentsFile {
			if f.standIns[file], err = f.standIn(); err != nil {
				return nil, err
			}
		}
	}
	s := state{kustomization: f.clean}
	b, err := f.build(s, f.without, mark)
	if err == nil || len(files) == 0 {
		return b, err
	}
	// Patches of the folder may be for what flux bootstrap is going to write.
	filled := f.standIns
	f.standIns = map[string][]byte{}
	for _, file := range files {
		f.standIns[file] = []byte{}
	}
	if b, err := f.build(s, f.without, mark); err == nil {
		return b, nil
	}
	f.standIns = filled
	return nil, err
}

// with returns the folder with patches of the config, and the objects that they refer
// to.
func (f *folder) with(n needs, made []patches.Patch) (state, error) {
	t, err := newText(f.file, f.start) // so that what is the config's stays in its place
	if err != nil {
		return state{}, err
	}
	if err := t.set(f.config.Metadata.Name, made, n.generators, n.listed); err != nil {
		return state{}, err
	}
	return state{t, n.files}, t.checkKept(f.clean, f.config.Metadata.Name)
}

// choose returns the folder with patches that make it build what is wanted, and the
// build.
func (f *folder) choose(n needs, want wanted, before *built, mark change) (state, *built, []patches.Patch, error) {
	none := func(err error) (state, *built, []patches.Patch, error) { return state{}, nil, nil, err }
	goal, err := f.world(want, before.objects)
	if err != nil {
		return none(err)
	}
	files, err := f.installers(want, before)
	if err != nil {
		return none(err)
	}
	candidates, err := f.candidates(want)
	if err != nil {
		return none(err)
	}
	var last state
	var problem error
	for _, made := range candidates {
		after, err := f.with(n, made)
		if err != nil {
			return none(err)
		}
		last = after.and(files)
		var b *built
		if b, err = f.compare(goal, last, mark); err == nil {
			return last, b, made, nil
		}
		problem = err
	}
	start, err := f.with(n, nil)
	if err != nil {
		return none(err)
	}
	return none(blame(problem, before.layers, f.dir, func(c change) error { return f.try(start, last, mark, c) }))
}

// try compares once more, with a folder that is changed before and after.
func (f *folder) try(before, after state, mark, c change) error {
	b, err := f.build(before, f.without, mark, c)
	if err != nil {
		return err
	}
	want, err := f.function(f.config, b.objects)
	if err != nil {
		return err
	}
	if want.Failed() {
		return &OutcomeError{f.file, want.Outcome}
	}
	goal, err := f.world(want, b.objects)
	if err != nil {
		return err
	}
	_, err = f.compare(goal, after, mark, c)
	return err
}

// compare builds the folder and returns a *DifferentError where the build is not as it
// is to be.
func (f *folder) compare(goal world, s state, changes ...change) (*built, error) {
	b, err := f.build(s, changes...)
	if err != nil {
		return nil, err
	}
	return b, goal.compare(f.file, b.objects)
}

// confirm builds what is going to be written, as it is, and sees that it is what was
// compared.
func (f *folder) confirm(s state, compared *built) error {
	goal, err := newWorld(compared.objects)
	if err != nil {
		return err
	}
	if _, err := f.compare(goal, s); err != nil || len(f.standIns) == 0 {
		return err
	}
	empty := map[string][]byte{}
	for file := range f.standIns {
		empty[file] = []byte{}
	}
	if _, err = f.build(s.and(empty)); err != nil {
		return fmt.Errorf("%w; run flux bootstrap first", err)
	}
	return nil
}

// result says what is to be written, in an order in which the folder builds after
// every file.
func (f *folder) result(s state, n needs) (Result, error) {
	var files []File
	bundle := filepath.Join(f.dir, bundleFile)
	for _, file := range f.created {
		files = append(files, File{Path: file, After: []byte{}})
	}
	for _, file := range slices.Sorted(maps.Keys(s.files)) {
		if file == bundle {
			continue
		}
		now, err := f.disk(file)
		if err != nil {
			return Result{}, err
		}
		files = append(files, File{Path: file, Before: now, After: s.files[file]})
	}
	files = append(files, File{Path: bundle, Before: f.bundleNow, After: n.bundleText}, File{Path: f.file, Before: f.now, After: s.kustomization.bytes()})
	files = f.inOrder(slices.DeleteFunc(files, func(f File) bool { return !f.Changed() }))
	for i := range files {
		files[i].Path = f.path(files[i].Path)
	}
	return Result{Files: files}, nil
}

// inOrder returns files in an order in which the folder builds after each, if there is
// one: what is named before what names it, and the other way round where something
// goes.
func (f *folder) inOrder(files []File) []File {
	goes := func(file File) bool { return file.After == nil }
	first := append(slices.DeleteFunc(slices.Clone(files), goes), slices.DeleteFunc(slices.Clone(files), func(file File) bool { return !goes(file) })...)
	second := slices.Clone(first)
	if i := slices.IndexFunc(second, func(file File) bool { return file.Path == f.file }); i > 0 {
		second = slices.Insert(slices.Delete(second, i, i+1), 0, first[i])
	}
	if len(files) < 2 || f.buildsAlong(first) || !f.buildsAlong(second) {
		return first
	}
	return second
}

// buildsAlong reports whether the folder builds after each of some files, but for the
// last, which has been looked at.
func (f *folder) buildsAlong(files []File) bool {
	done := state{files: f.pending}.and(nil).files
	for _, file := range files[:len(files)-1] {
		if file.After == nil {
			continue // nothing names it any more
		}
		done[file.Path] = file.After
		from, err := newSource(f.root)
		if err != nil {
			return false
		}
		from.edits = maps.Clone(done)
		f.fetch(&from)
		if _, err := from.build(f.dir); err != nil {
			return false
		}
	}
	return true
}

// disk reads a file of the folder as it is.
func (f *folder) disk(file string) ([]byte, error) {
	s, err := newSource(f.root)
	if err != nil {
		return nil, err
	}
	return s.readFile(file)
}

// path returns a path as the user has it.
func (f *folder) path(file string) string {
	if rel, err := filepath.Rel(f.dir, file); err == nil {
		return filepath.Join(f.Dir, rel)
	}
	return file
}
