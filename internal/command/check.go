package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/internal/setup"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// takeFolders takes folders, and patterns of folders, out of the inputs, and returns the
// files that are left.
func (o *patchOptions) takeFolders(inputs []string) (files []string, err error) {
	if o.write != "" {
		folders, err := foldersOf(o.write)
		if err != nil {
			return nil, err
		}
		if o.folders = folders; folders == nil {
			o.folders = []string{o.write} // of which is said that it is none
		}
	}
	for _, name := range inputs {
		folders, err := foldersOf(name)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(name); folders == nil && err != nil && name != "-" {
			return nil, fmt.Errorf("%s is neither a folder to check nor a file", name)
		}
		if folders == nil {
			files = append(files, name)
		}
		for _, folder := range folders {
			if !slices.ContainsFunc(o.folders, func(other string) bool { return filepath.Clean(other) == filepath.Clean(folder) }) {
				o.folders = append(o.folders, folder)
			}
		}
	}
	return files, nil
}

// foldersOf returns a folder, or the folders that a pattern matches; nil for anything
// else.
func foldersOf(name string) ([]string, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return []string{name}, nil
	case err != nil && strings.ContainsAny(name, "*?["):
		return matching(name)
	default:
		return nil, nil
	}
}

// matching returns the folders that a pattern matches.
func matching(pattern string) ([]string, error) {
	if strings.Contains(pattern, "**") {
		return nil, fmt.Errorf("%s: ** is one level of folders here, as * is; write a pattern for each level", pattern)
	}
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s is not a pattern; write it as in clusters/*/flux-system: %w", pattern, err)
	}
	folders := slices.DeleteFunc(matches, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || !info.IsDir() || hides(pattern, name)
	})
	if len(folders) == 0 {
		return nil, fmt.Errorf("no folder matches %s", pattern)
	}
	return folders, nil
}

// hides reports whether a pattern matches a folder with a name such as .git, which it does not
// mean, as in a shell.
func hides(pattern, name string) bool {
	parts := strings.Split(filepath.ToSlash(pattern), "/")
	for i, part := range strings.Split(filepath.ToSlash(name), "/") {
		if strings.HasPrefix(part, ".") && i < len(parts) && !strings.HasPrefix(parts[i], ".") {
			return true
		}
	}
	return false
}

// validateCheck says how what was found is said: as a report, or in a line on stderr
// where one folder is checked and nothing else was asked for.
func (o *patchOptions) validateCheck() error {
	isLine := o.format == "" || o.format == patches.Kustomization
	switch {
	case isLine && len(o.folders) == 1 && o.folders[0] == o.write && len(o.report.asked) == 0:
		o.format = patches.Kustomization
		return nil
	case isLine:
		o.report.output = report.Names()[0]
	default:
		o.report.output = o.format
	}
	if _, ok := report.Find(o.report.output); !ok {
		return fmt.Errorf("-o %s is not a report format; with --check write one of %s", o.format, strings.Join(report.Names(), ", "))
	}
	return nil
}

// checkFolders holds folders against a config, and prints one report.
func (o *patchOptions) checkFolders(version, configFile string, inputs []string, in io.Reader, out io.Writer) error {
	config, data, err := readPatchConfig(configFile)
	if err != nil {
		return err
	}
	options, err := o.folderOptions(configFile, inputs, in)
	if err != nil {
		return err
	}
	r := newReport(version, configFile, config.Metadata.Name, data, options.Now)
	given := options.Inputs
	for _, dir := range o.folders {
		options.Dir, options.Inputs = dir, nil
		for _, object := range given {
			options.Inputs = append(options.Inputs, object.Copy())
		}
		lookAt(r, config, options, o.how(configFile, inputs))
	}
	if err := o.report.compare(r, configFile, config, in); err != nil {
		return err
	}
	return o.report.print(out, r)
}

// how returns the command that brings the folders up to date.
func (o *patchOptions) how(configFile string, inputs []string) string {
	words := append([]string{programName, "patches", quote.Path(configFile)}, quote.Each(quote.Path, slices.DeleteFunc(slices.Clone(inputs), func(input string) bool { return input == "-" }))...)
	if slices.Contains(inputs, "-") {
		words = append(words, "-")
	}
	if o.root != "" {
		words = append(words, "--root", quote.Path(o.root))
	}
	if o.namespace != defaultNamespace {
		words = append(words, "--namespace", quote.Shell(o.namespace))
	}
	if len(o.folders) > 1 {
		return strings.Join(words, " ") + " --write DIR for each such folder"
	}
	return strings.Join(append(words, "--write", quote.Path(o.folders[0])), " ")
}

// lookAt adds what came of a folder to a report. How says how to bring it up to date.
func lookAt(r *report.Report, config *v1alpha1.FluxTrust, options kustomization.Options, how string) {
	result, err := setup.Reconcile(config, options)
	outcome := result.Outcome
	if of := (*kustomization.OutcomeError)(nil); errors.As(err, &of) {
		outcome.Findings, err = append(outcome.Findings, of.Outcome.Findings...), nil
	}
	outcome.Findings = slices.DeleteFunc(outcome.Findings, func(f krm.Finding) bool {
		return f.Severity == krm.Info && codes.IsChange(f.Code) // what the patches are there for
	})
	one := report.Report{}
	addOutcome(&one, outcome)
	folder := report.Folder{Path: quote.Line(options.Dir), State: report.UpToDate, Controllers: one.Controllers}
	say := func(code krm.Code, message string) {
		one.Findings = append(one.Findings, report.Finding{Code: code, Result: krm.Result{Severity: krm.Error, Message: quote.Line(message)}})
	}
	switch {
	case err != nil:
		folder.State = report.Failed
		for _, line := range errorLines(err) {
			say(codes.FolderFailed, strings.TrimPrefix(line, folder.Path+": "))
		}
	case outcome.Failed():
		folder.State = report.Failed
	case len(result.Files) > 0:
		folder.State = report.Stale
		for _, f := range result.Files {
			name, err := filepath.Rel(filepath.Clean(options.Dir), f.Path)
			if err != nil {
				name = f.Path
			}
			folder.Stale = append(folder.Stale, quote.Line(name))
		}
		say(codes.FolderStale, "not up to date: "+strings.Join(folder.Stale, ", ")+rootsSince(config, result)+"; run "+how+", and commit the result")
	}
	for i := range one.Findings {
		one.Findings[i].Folder = folder.Path
	}
	merge(r, &one, &folder)
	r.Folders = append(r.Folders, folder)
}

// merge adds a report on a folder to that on all: a root and an exception are told once.
func merge(r, one *report.Report, folder *report.Folder) {
	r.Controllers += one.Controllers
	r.Findings = append(r.Findings, one.Findings...)
	for _, root := range one.Roots {
		if !slices.Contains(folder.Roots, root.Fingerprint) {
			folder.Roots = append(folder.Roots, root.Fingerprint)
		}
		if !slices.ContainsFunc(r.Roots, func(known trust.Root) bool { return known.Fingerprint == root.Fingerprint }) {
			r.Roots = append(r.Roots, root)
		}
	}
	for _, exception := range one.Exceptions {
		if !slices.Contains(r.Exceptions, exception) {
			r.Exceptions = append(r.Exceptions, exception)
		}
	}
	if folder.Unknown = one.Unknown; folder.State == report.Failed {
		folder.Unknown = "it has failed"
	}
	if folder.Unknown != "" && r.Unknown == "" {
		r.Unknown = folder.Path + ": " + folder.Unknown
	}
}
