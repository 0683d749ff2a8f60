package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var pluginFlags = []string{"build", "--enable-alpha-plugins", "--enable-exec", "."}

// TestKustomizeHashSuffix changes the root: the name of the ConfigMap changes,
// and with it the reference in every Deployment, so that the pods restart.
func TestKustomizeHashSuffix(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyExample(t, "quickstart")
	name := regexp.MustCompile(`z-scaler-ca-[a-z0-9]{10}`)

	build := func() map[string]int {
		got := run(t, dir, kustomize, pluginFlags...)
		if got.code != 0 {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		names := map[string]int{}
		for _, n := range name.FindAllString(got.stdout, -1) {
			names[n]++
		}
		return names
	}
	before := build()
	replaceInFile(t, filepath.Join(dir, "certs/Company-Root-CA.crt"), "-----END CERTIFICATE-----", "-----END CERTIFICATE-----\n# rotated")
	after := build()
	for _, names := range []map[string]int{before, after} {
		for n, count := range names {
			if len(names) != 1 || count != 8 { // the ConfigMap and seven volumes
				t.Errorf("%s stands %d times, among %v", n, count, names)
			}
		}
		if len(names) == 0 {
			t.Error("no name with a hash suffix")
		}
	}
	for n := range before {
		if after[n] > 0 {
			t.Errorf("%s did not change with the content", n)
		}
	}
}

// TestKustomizeLayers runs the function in the layer that sets namePrefix and
// namespace, and in one below: the reference must arrive either way.
func TestKustomizeLayers(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	want := regexp.MustCompile(`\n              name: team-z-scaler-ca-[a-z0-9]{10}\n`)
	check := func(t *testing.T, dir string) {
		t.Helper()
		got := run(t, dir, kustomize, pluginFlags...)
		if got.code != 0 || !strings.HasSuffix(got.stderr, " 7 controllers found, 7 changed, 0 warnings\n") {
			t.Fatalf("exit code %d\n%s", got.code, got.stderr)
		}
		if n := len(want.FindAllString(got.stdout, -1)); n != 7 {
			t.Errorf("%d volumes refer to the renamed ConfigMap, want 7", n)
		}
	}
	t.Run("same layer", func(t *testing.T) {
		dir := copyExample(t, "quickstart")
		replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "transformers:", "namePrefix: team-\nnamespace: gitops\ntransformers:")
		check(t, dir)
	})
	t.Run("outer layer", func(t *testing.T) {
		dir := copyExample(t, "quickstart")
		outer := filepath.Join(filepath.Dir(dir), "outer")
		if err := os.Mkdir(outer, 0o700); err != nil {
			t.Fatal(err)
		}
		text := "resources: [../quickstart]\nnamePrefix: team-\nnamespace: gitops\n"
		write(t, filepath.Join(outer, "kustomization.yaml"), text)
		check(t, outer)
	})
}

// TestKustomizeErrors breaks the example. The build must fail and say why.
func TestKustomizeErrors(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	for name, tc := range map[string]struct{ file, old, new, want string }{
		"misspelt field": {
			"functionconfig.yaml", "caBundle:", "caBundel:",
			`flux-trust: error: FluxTrust corporate-ca: spec.caBundel: unknown field; did you mean "caBundle"?`,
		},
		"no controllers": {
			"kustomization.yaml", "- flux-system\n", "",
			"flux-trust: error: no Flux controller among 1 resource, no Deployment",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyExample(t, "quickstart")
			replaceInFile(t, filepath.Join(dir, tc.file), tc.old, tc.new)
			if tc.file == "kustomization.yaml" {
				replaceInFile(t, filepath.Join(dir, tc.file), "resources:\n", "")
			}
			got := run(t, dir, kustomize, pluginFlags...)
			if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("exit code %d, stderr\n%s\nwant %s", got.code, got.stderr, tc.want)
			}
		})
	}
}

// TestKustomizeRotation builds with the old root, both roots and the new one:
// from a base, from a layer with a prefix, and from one around it. The digest in
// the pod template and the name of the ConfigMap change with every step, and all
// controllers agree.
func TestKustomizeRotation(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	before, after := newAuthority(t, "old root").pem()+"\n", newAuthority(t, "new root").pem()+"\n"
	steps := []string{before, before + after, after, "# a comment changes the name and restarts nothing more\n" + after}

	for name, layer := range map[string]string{
		"base":         "",
		"same layer":   "namePrefix: team-\n",
		"outer layer":  "outer",
		"outer prefix": "outer",
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyExample(t, "quickstart")
			build := dir
			if layer == "outer" {
				build = filepath.Join(filepath.Dir(dir), "outer")
				if err := os.Mkdir(build, 0o700); err != nil {
					t.Fatal(err)
				}
				text := "resources: [../quickstart]\nnamespace: gitops\n"
				if name == "outer prefix" {
					text += "namePrefix: team-\n"
				}
				write(t, filepath.Join(build, "kustomization.yaml"), text)
			} else {
				replaceInFile(t, filepath.Join(dir, "kustomization.yaml"), "transformers:", layer+"transformers:")
			}
			var digests, names []string
			for _, roots := range steps {
				write(t, filepath.Join(dir, "certs/Company-Root-CA.crt"), roots)
				got := run(t, build, kustomize, pluginFlags...)
				if got.code != 0 {
					t.Fatal(got.stderr)
				}
				digests = append(digests, only(t, got.stdout, `fluxtrust.dev/ca-bundle: (sha256:[0-9a-f]{64})\n`, 7))
				names = append(names, only(t, got.stdout, `name: (\S*z-scaler-ca-[a-z0-9]{10})\n`, 8))
			}
			if digests[0] == digests[1] || digests[1] == digests[2] || digests[2] != digests[3] {
				t.Errorf("digests %v: they must change with the roots, and not with a comment", digests)
			}
			if names[0] == names[1] || names[1] == names[2] || names[2] == names[3] {
				t.Errorf("names %v: they must change with every byte", names)
			}
		})
	}
}

// TestKustomizeInline lets the function add the ConfigMap itself: kustomize takes
// the new resource, and renames it with the rest.
func TestKustomizeInline(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	dir := copyExample(t, "quickstart")
	config := "    inline:\n      name: corporate-ca\n      pem: |\n        " +
		strings.ReplaceAll(newAuthority(t, "root").pem(), "\n", "\n        ")
	replaceInFile(t, filepath.Join(dir, "functionconfig.yaml"), "  - configMap: {name: z-scaler-ca, keys: [Company-Root-CA.crt]}", "  -\n"+config)
	outer := filepath.Join(filepath.Dir(dir), "outer")
	if err := os.Mkdir(outer, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(outer, "kustomization.yaml"), "resources: [../quickstart]\nnamePrefix: team-\nnamespace: gitops\n")
	for build, name := range map[string]string{dir: "corporate-ca", outer: "team-corporate-ca"} {
		got := run(t, build, kustomize, pluginFlags...)
		if got.code != 0 {
			t.Fatal(got.stderr)
		}
		if n := strings.Count(got.stdout, "  name: "+name+"\n"); n != 8 { // the ConfigMap and seven volumes
			t.Errorf("%s stands %d times, want 8", name, n)
		}
		if !strings.Contains(got.stdout, "kustomize.toolkit.fluxcd.io/substitute: disabled") {
			t.Error("Flux may substitute in the ConfigMap")
		}
	}
}

// only returns the one value that stands in a text so many times.
func only(t *testing.T, text, pattern string, times int) string {
	t.Helper()
	matches := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if len(matches) != times {
		t.Fatalf("%s stands %d times, want %d", pattern, len(matches), times)
	}
	for _, m := range matches {
		if m[1] != matches[0][1] {
			t.Fatalf("%s differs from %s", m[1], matches[0][1])
		}
	}
	return matches[0][1]
}

// TestKustomizeBadBundle puts bad certificates into the ConfigMap. Each must
// stop the build, and the reason is the one that docs/bundle.md shows.
func TestKustomizeBadBundle(t *testing.T) {
	kustomize := program(t, "KUSTOMIZE")
	good := newAuthority(t, "root").pem()
	docs := read(t, "../docs/bundle.md")
	for name, tc := range map[string]struct{ text, want string }{
		"byte order mark": {"\ufeff" + good + "\n", "is a text with a UTF-8 byte order mark in this line, which makes Go lose the certificate behind it; remove it with: sed 's/\\xef\\xbb\\xbf//' ca.pem > ca.crt"},
		"no newline":      {good + good, "there is no newline between two certificates, so Go sees neither; put each mark on a line of its own"},
		"private key":     {good + "\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "which would be readable in every controller; remove it, and replace it if it has been published"},
		"cut off":         {strings.TrimSuffix(good, "-----END CERTIFICATE-----"), "line 1: the certificate is cut off: its line -----END CERTIFICATE----- is missing"},
		"a sentence":      {"see the wiki\n", "holds no certificate: there is no line -----BEGIN CERTIFICATE-----"},
		"an HTML page":    {"<html>404</html>\n", "is an HTML page, not a certificate: a server has answered the download with it, as for a login or an error; look at it in a browser, and download the certificate again"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyExample(t, "quickstart")
			write(t, filepath.Join(dir, "certs/Company-Root-CA.crt"), tc.text)
			got := run(t, dir, kustomize, pluginFlags...)
			if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, tc.want) ||
				!strings.Contains(got.stderr, "error: ConfigMap flux-system/z-scaler-ca: data.Company-Root-CA.crt: ") {
				t.Errorf("exit code %d\n%s\nwant %s", got.code, got.stderr, tc.want)
			}
			if !strings.Contains(docs, tc.want) {
				t.Errorf("docs/bundle.md does not show: %s", tc.want)
			}
		})
	}
}
