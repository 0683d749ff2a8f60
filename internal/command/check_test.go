package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/internal/report"
)

// fleet makes clusters: a and b are up to date, c is stale, d does not build.
func fleet(t *testing.T) {
	t.Helper()
	stock, _, _ := strings.Cut(stockFile(t, "input.yaml"), "---\n")
	t.Chdir(t.TempDir())
	writeFile(t, "config.yaml", "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - configMap: {name: corp-ca, keys: [ca.crt]}\n")
	a, b := rootUntil(t, "Root A", 400), rootUntil(t, "Root B", 60)
	for cluster, roots := range map[string]string{"a": a + b, "b": a, "c": a, "d": a} {
		dir := filepath.Join("clusters", cluster, "flux-system")
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "gotk-components.yaml"), stock)
		writeFile(t, filepath.Join(dir, "ca.crt"), roots)
		writeFile(t, filepath.Join(dir, "kustomization.yaml"), "resources:\n- gotk-components.yaml\n")
	}
	write(t, "config.yaml", "clusters/a/flux-system", "--root", ".")
	write(t, "config.yaml", "clusters/b/flux-system", "--root", ".")
	writeFile(t, "clusters/d/flux-system/kustomization.yaml", "resources:\n- nope.yaml\n")
	writeFile(t, "clusters/README.md", "x\n")
	if err := os.MkdirAll(".git/a/flux-system", 0o750); err != nil { // which no pattern means
		t.Fatal(err)
	}
}

func states(t *testing.T, args ...string) (report.Report, []string, int) {
	t.Helper()
	stdout, stderr, code := run(nil, append([]string{"patches", "config.yaml", "--root", ".", "-o", "json"}, args...)...)
	var r report.Report
	if err := json.Unmarshal(stdout, &r); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, stdout, stderr)
	}
	var found []string
	for _, f := range r.Folders {
		found = append(found, strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(f.Path), "clusters/"), "/flux-system")+" "+string(f.State))
	}
	return r, found, code
}

// TestFleet: however folders are named, each is looked at once.
func TestFleet(t *testing.T) {
	fleet(t)
	for args, want := range map[string]string{
		"--check clusters/*/flux-system":                                "a UpToDate, b UpToDate, c Stale, d Failed",
		"--check */a/flux-system":                                       "a UpToDate",
		"--check clusters/a/flux-system --check clusters/b/flux-system": "a UpToDate, b UpToDate",
		"--check clusters/b/flux-system clusters/*/flux-system":         "b UpToDate, a UpToDate, c Stale, d Failed",
		"--check clusters/a/flux-system clusters/a/flux-system/":        "a UpToDate",
		"--check --write clusters/[ab]/flux-system":                     "a UpToDate, b UpToDate",
		"--check --write clusters/c/flux-system clusters/a/flux-system": "c Stale, a UpToDate",
		"--check --write clusters/a/flux-system":                        "a UpToDate",
	} {
		r, got, code := states(t, strings.Fields(args)...)
		if strings.Join(got, ", ") != want || (code == 0) != !strings.Contains(want, "Stale") || r.Valid != (code == 0) {
			t.Errorf("%s: exit code %d, valid %t, got %v, want %s", args, code, r.Valid, got, want)
		}
	}
	r, _, _ := states(t, "--check", "clusters/*/flux-system")
	var found []string
	for i := range r.Findings {
		f := &r.Findings[i]
		found = append(found, f.Folder+" "+string(f.Code)+" "+string(f.Severity))
	}
	if want := []string{"clusters/c/flux-system FolderStale error", "clusters/d/flux-system FolderFailed error"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	if stale := r.Folders[2].Stale; !slices.Equal(stale, []string{"kustomization.yaml"}) || r.Folders[3].Unknown == "" || r.Controllers != 3 {
		t.Errorf("got %+v", r.Folders)
	}
}

// TestFleetTable is what people read.
func TestFleetTable(t *testing.T) {
	fleet(t)
	stdout, stderr, code := run(nil, "patches", "config.yaml", "--root", ".", "--check", "clusters/*/flux-system")
	for _, want := range []string{
		"  up to date  clusters/a/flux-system  1 controller\n", "  stale       clusters/c/flux-system  1 controller\n", "  failed      clusters/d/flux-system\n",
		"    not in clusters/b/flux-system, clusters/c/flux-system\n",
		"  error: clusters/c/flux-system: not up to date: kustomization.yaml; nothing there is the work of FluxTrust corporate-ca yet, so it gives no controller these roots; run flux-trust patches config.yaml --root . --write DIR for each such folder, and commit the result [FolderStale]\n",
		"  error: clusters/d/flux-system/kustomization.yaml: resources[0]: nope.yaml is not there [FolderFailed]\n",
		"\n2 of 4 folders up to date, 2 errors, 0 warnings.\n",
	} {
		if code != 1 || strings.Count(string(stdout), want) != 1 || len(stderr) > 0 {
			t.Errorf("exit code %d, %q is not in\n%s%s", code, want, stdout, stderr)
		}
	}
	for _, format := range report.Names() {
		if stdout, _, code := run(nil, "patches", "config.yaml", "--root", ".", "--check", "clusters/*/flux-system", "-o", format); code != 1 || asRead(t, format, string(stdout)) == "" {
			t.Errorf("-o %s: exit code %d\n%s", format, code, stdout)
		}
	}
	// One folder and no report: the line that there was before there were reports.
	stdout, stderr, code = run(nil, "patches", "config.yaml", "--root", ".", "--write", "clusters/c/flux-system", "--check")
	if code != 1 || len(stdout) > 0 || !strings.Contains(string(stderr), "clusters/c/flux-system/kustomization.yaml is not up to date; nothing there is the work of FluxTrust corporate-ca yet, so it gives no controller these roots; run the same without --check") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestFleetLimits: expiry, and what has changed since a report.
func TestFleetLimits(t *testing.T) {
	fleet(t)
	both := []string{"--check", "clusters/[ab]/flux-system"}
	if _, got, code := states(t, append(both, "--expires-within", "30d")...); code != 0 {
		t.Errorf("exit code %d, %v", code, got)
	}
	r, _, code := states(t, append(both, "--expires-within", "90d")...)
	if code != 1 || len(r.Findings) != 1 || r.Findings[0].Code != "ExpiresWithin" || !strings.Contains(r.Findings[0].Message, "CN=Root B expires on ") {
		t.Errorf("exit code %d, %+v", code, r.Findings)
	}
	// A folder that has failed may hold any root.
	if r, _, _ := states(t, "--check", "clusters/[ad]/flux-system", "--expires-within", "30d"); r.Findings[len(r.Findings)-1].Code != "Unchecked" {
		t.Errorf("got %+v", r.Findings)
	}
	old, _, _ := run(nil, "patches", "config.yaml", "--root", ".", "-o", "json", "--check", "clusters/[ab]/flux-system")
	writeFile(t, "old.json", string(old))
	stdout, stderr, code := run(nil, "patches", "config.yaml", "--root", ".", "-o", "markdown", "--check", "clusters/b/flux-system", "--against", "old.json")
	if code != 0 || !strings.Contains(string(stdout), "| **removed** | <code>CN=Root B</code>") || !strings.Contains(string(stdout), "| stays | <code>CN=Root A</code>") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	old, _, _ = run(nil, "patches", "config.yaml", "--root", ".", "-o", "json", "--check", "clusters/[bd]/flux-system")
	writeFile(t, "old.json", string(old))
	if r, _, _ := states(t, append(both, "--against", "old.json")...); len(r.Changes.Added) > 0 || len(r.Changes.Unknown) != 1 || len(r.Findings) > 0 {
		t.Errorf("got %+v, %+v", r.Changes, r.Findings)
	}
}

// TestFleetErrors: a folder that is not looked at is never up to date.
func TestFleetErrors(t *testing.T) {
	fleet(t)
	for args, want := range map[string]string{
		"--check clusters/*/flux-systm":                       "no folder matches clusters/*/flux-systm",
		"--check clusters/*":                                  "", // folders without Flux in them
		"--check clusters/*.md":                               "no folder matches clusters/*.md",
		"--check clusters/**/flux-system":                     "** is one level of folders here",
		"--check clusters/[a":                                 "is not a pattern; write it as in clusters/*/flux-system",
		"--check clusters/x":                                  "clusters/x is neither a folder to check nor a file",
		"--check clusters/README.md":                          "--check needs a folder",
		"--check clusters/a/flux-system -o kyverno":           "-o kyverno is not a report format; with --check write one of text, json",
		"--check clusters/a/flux-system --fail-on never":      "--fail-on never is not known",
		"--check clusters/a/flux-system --expires-within x":   "--expires-within x is not a duration",
		"--check clusters/a/flux-system --against none.json":  "--against: an input cannot be read",
		"--check clusters/a/flux-system --remove":             "exclude each other",
		"--check clusters/a/flux-system config.yaml":          "config.yaml is the config and cannot be an input, too",
		"--write clusters/a/flux-system --expires-within 90d": "--expires-within needs --check",
		"--check --write clusters/none --fail-on warning":     "", // in the report
		"--check --write clusters/README.md -o text":          "",
	} {
		stdout, stderr, code := run(nil, append([]string{"patches", "config.yaml", "--root", "."}, strings.Fields(args)...)...)
		if code != 1 || !strings.Contains(string(stderr), want) || want != "" && len(stdout) > 0 || want == "" && !strings.Contains(string(stdout), "\n0 of ") {
			t.Errorf("%s: exit code %d\n%s%s\nwant %s", args, code, stdout, stderr, want)
		}
	}
}
