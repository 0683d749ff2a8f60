package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const actionDir = "../.github/actions/check"

// action is a run of the GitHub action: its files, and a gh that keeps the comments.
type action struct {
	t                    *testing.T
	runner, path, gh     string
	inputs               map[string]string
	dir, base            string // where it runs, and the commit that the pull request is for
	summary, pathChanges string
}

func newAction(t *testing.T, inputs map[string]string) *action {
	t.Helper()
	a := &action{t: t, runner: t.TempDir(), gh: t.TempDir(), inputs: inputs, dir: ".."}
	a.summary, a.pathChanges = filepath.Join(a.runner, "summary"), filepath.Join(a.runner, "path")
	write(t, a.pathChanges, "")
	script := "#!/bin/sh\nread=true\nfor arg; do case $arg in body=@*) read=false; cp \"${arg#body=@}\" '" + a.gh + "/comment' ;; POST | PATCH) echo \"$arg\" >> '" + a.gh + "/calls' ;; esac; done\n" +
		"if $read && [ -f '" + a.gh + "/comment' ]; then echo 7; fi\n"
	if err := os.WriteFile(filepath.Join(a.gh, "gh"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return a
}

var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// run runs the steps as action.yaml has them, and returns what the first one that fails
// has printed. As on GitHub, the comment is written after a failed check, too.
func (a *action) run() (failure string) {
	a.t.Helper()
	var file struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Steps []struct {
				Run, Shell, If string
				Env            map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(a.t, filepath.Join(actionDir, "action.yaml"))), &file); err != nil {
		a.t.Fatal(err)
	}
	values := map[string]string{"github.token": "token", "github.event.pull_request.number": "42", "github.event.pull_request.base.sha": a.base}
	for name, input := range file.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range a.inputs {
		if _, ok := file.Inputs[name]; !ok {
			a.t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	dir, err := filepath.Abs(actionDir)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, step := range file.Runs.Steps {
		if failure != "" && step.If == "" || strings.Contains(step.If, "inputs.comment == 'true'") && values["inputs.comment"] != "true" {
			continue
		}
		env := map[string]string{
			"GITHUB_ACTION_PATH": dir, "GITHUB_STEP_SUMMARY": a.summary, "GITHUB_PATH": a.pathChanges, "RUNNER_TEMP": a.runner, "GITHUB_REPOSITORY": "corp/flux",
			"PATH": strings.Join([]string{strings.TrimSpace(read(a.t, a.pathChanges)), a.gh, a.path, os.Getenv("PATH")}, string(os.PathListSeparator)),
		}
		for name, value := range step.Env {
			env[name] = expression.ReplaceAllStringFunc(value, func(e string) string { return values[expression.FindStringSubmatch(e)[1]] })
		}
		cmd := exec.Command(step.Shell, "-e", "-c", step.Run) //nolint:gosec // our own file
		cmd.Dir = a.dir
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			failure += string(out)
		}
	}
	return failure
}

// TestCheckAction runs the action over a folder with and without its patches.
func TestCheckAction(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	dir := copyExample(t, "bootstrap")
	config, folder := filepath.Join(dir, configFile), filepath.Join(dir, "flux-system")
	rendered := filepath.Join(dir, "rendered.yaml")
	write(t, rendered, run(t, dir, function, config, filepath.Join(folder, "gotk-components.yaml")).stdout)
	a := newAction(t, map[string]string{"config": config, "folders": filepath.Join(dir, "flux-*"), "manifests": rendered})
	a.path = filepath.Dir(function)

	failure := a.run()
	comment := read(t, filepath.Join(a.gh, "comment"))
	if !strings.Contains(failure, "::error file=") || !strings.Contains(comment, "**0 of 1 folder up to date, 1 error, 0 warnings**") || !strings.Contains(comment, "**valid: 7 controllers as configured") {
		t.Errorf("without patches: %s\n%s", failure, comment)
	}
	if got := run(t, dir, function, "patches", config, "--write", folder); got.code != 0 {
		t.Fatal(got.stderr)
	}
	failure = a.run()
	comment = read(t, filepath.Join(a.gh, "comment"))
	if failure != "" || !strings.Contains(comment, "**1 of 1 folder up to date, 0 errors, 0 warnings**") || !strings.Contains(read(t, a.summary), comment) {
		t.Errorf("with patches: %s\n%s", failure, comment)
	}
	if got := read(t, filepath.Join(a.gh, "calls")); got != "POST\nPATCH\n" {
		t.Errorf("there is more than one comment: %s", got)
	}
}

// TestCheckActionBase: the comment says which roots a pull request adds and takes away,
// and says so where it cannot.
func TestCheckActionBase(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	dir := copyExample(t, "bootstrap")
	git := func(args ...string) string {
		t.Helper()
		got := run(t, dir, "git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		if got.code != 0 {
			t.Fatalf("git %v: %s", args, got.stderr)
		}
		return strings.TrimSpace(got.stdout)
	}
	patch := func() {
		t.Helper()
		if got := run(t, dir, function, "patches", configFile, "--write", "flux-system"); got.code != 0 {
			t.Fatal(got.stderr)
		}
		git("add", "-A")
		git("commit", "-q", "-m", "x")
	}
	git("init", "-q")
	patch()
	base := git("rev-parse", "HEAD")
	file := filepath.Join(dir, "flux-system/Company-Root-CA.crt")
	write(t, file, read(t, file)+newAuthority(t, "Second root").pem()+"\n")
	patch()
	// A cluster that the base does not have.
	if err := os.CopyFS(filepath.Join(dir, "flux-new"), os.DirFS(filepath.Join(dir, "flux-system"))); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		base, config string
		want, not    string
	}{
		"the base":           {base, configFile, "| **added** | <code>CN=Second root</code>", "not at hand"},
		"no pull request":    {"", configFile, "<code>CN=Second root</code>", "**added**"},
		"not to be had":      {strings.Repeat("0", 40), configFile, "The base of the pull request is not at hand", "**added**"},
		"outside":            {base, filepath.Join(dir, configFile), "leads out of the repository", "**added**"},
		"no config in there": {git("commit-tree", "-m", "x", git("mktree")), configFile, "Of the base there is no report", "**added**"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAction(t, map[string]string{"config": tc.config, "folders": "flux-*", "fail-on": "warning", "expires-within": "90d"})
			a.path, a.dir, a.base = filepath.Dir(function), dir, tc.base
			failure := a.run()
			comment := read(t, filepath.Join(a.gh, "comment"))
			if failure != "" || !strings.Contains(comment, tc.want) || strings.Contains(comment, tc.not) || !strings.Contains(comment, "**2 of 2 folders up to date") {
				t.Errorf("%s\n%s", failure, comment)
			}
		})
	}
}

// TestCheckActionDocs: the workflow in docs/ci.md names inputs that there are.
func TestCheckActionDocs(t *testing.T) {
	var file struct{ Inputs map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(actionDir, "action.yaml"))), &file); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(read(t, "../docs/ci.md"), "# .github/workflows/check.yaml\n")
	text, _, _ = strings.Cut(text, "```")
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, step := range workflow.Jobs["trust"].Steps {
		for input := range step.With {
			if named++; file.Inputs[input] == nil {
				t.Errorf("%s has no input %s", step.Uses, input)
			}
		}
	}
	if named == 0 {
		t.Errorf("no input is named in\n%s", text)
	}
}

// TestCheckActionInstalls: an archive is installed when it is the one that was asked for.
func TestCheckActionInstalls(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	config, install := quickstart(t)
	dir := t.TempDir()
	archive := filepath.Join(dir, "flux-trust_1.2.3_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz")
	if got := run(t, dir, "tar", "-czf", archive, "-C", filepath.Dir(function), filepath.Base(function)); got.code != 0 {
		t.Fatal(got.stderr)
	}
	rendered := filepath.Join(dir, "rendered.yaml")
	write(t, rendered, run(t, dir, function, config, install).stdout)
	inputs := map[string]string{
		"config": config, "manifests": rendered, "comment": "false",
		"version": "v1.2.3", "url": "file://" + dir, "checksum": digest([]byte(read(t, archive))),
	}
	for name, tc := range map[string]struct{ input, value, want string }{
		"the right checksum": {"checksum", inputs["checksum"], ""},
		"a wrong checksum":   {"checksum", digest(nil), "FAILED"},
		"no checksum":        {"checksum", "", "write checksum"},
		"no such version":    {"version", "v9.9.9", "curl"},
		"nothing to check":   {"manifests", "", "write folders or manifests"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(inputs)
			changed[tc.input] = tc.value
			a := newAction(t, changed)
			if failure := a.run(); (failure == "") != (tc.want == "") || !strings.Contains(failure, tc.want) {
				t.Errorf("got %q, want %q", failure, tc.want)
			}
			if _, err := os.Stat(a.summary); (err == nil) != (tc.want == "") {
				t.Errorf("the summary: %v", err)
			}
		})
	}
}
