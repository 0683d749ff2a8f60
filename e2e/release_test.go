package e2e

import (
	"archive/tar"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const releaseVersion = "v1.2.3"

// platforms are what a release is built for, as the names of its binaries end.
var platforms = []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64.exe", "windows_arm64.exe"}

// newRelease commits and tags a copy of the checkout, and makes a release of it.
func newRelease(t *testing.T) string {
	t.Helper()
	repository := copyRepository(t)
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "nobody", "GIT_AUTHOR_EMAIL": "nobody@example.com", "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+0600",
		"GIT_COMMITTER_NAME": "nobody", "GIT_COMMITTER_EMAIL": "nobody@example.com", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+0600",
		"GIT_CONFIG_GLOBAL": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	git(t, repository, "init", "-q")
	git(t, repository, "add", "-A")
	git(t, repository, "commit", "-q", "-m", "A release")
	git(t, repository, "tag", releaseVersion)
	makeRelease(t, repository)
	return repository
}

func makeRelease(t *testing.T, repository string) {
	t.Helper()
	if got := run(t, repository, "make", "-s", "release", "IMAGE=flux-trust:"+releaseVersion); got.code != 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
}

// TestRelease makes a release twice and looks at all of it.
func TestRelease(t *testing.T) {
	if os.Getenv("RELEASE") == "" {
		t.Skip("SKIPPED: RELEASE is not set; make e2e runs this test")
	}
	repository := newRelease(t)
	dist := filepath.Join(repository, "dist")
	artifact := func(name string) string { return filepath.Join(dist, "flux-trust_"+releaseVersion[1:]+"_"+name) }

	t.Run("listing", func(t *testing.T) {
		want := []string{"SHA256SUMS"}
		for _, name := range append(slices.Clone(platforms), "image_linux_amd64", "image_linux_arm64") {
			if !strings.HasPrefix(name, "image") {
				want = append(want, filepath.Base(artifact(name)))
			}
			want = append(want, filepath.Base(artifact(name+".cdx.json")))
		}
		want = append(want, filepath.Base(artifact("image.tar")), filepath.Base(artifact("provenance.json")))
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(digests(t, dist))); !slices.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("checksums", func(t *testing.T) {
		got := digests(t, dist)
		delete(got, "SHA256SUMS")
		if want := sums(t, dist); !maps.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("binaries", func(t *testing.T) {
		for _, name := range platforms {
			// The bound that docs/design.md names: static, stripped.
			if info, err := os.Stat(artifact(name)); err != nil || info.Size() > 18_000_000 {
				t.Errorf("%s: %d bytes (%v)", name, info.Size(), err)
			}
			info, err := buildinfo.ReadFile(artifact(name))
			if err != nil {
				t.Fatal(err)
			}
			settings := map[string]string{}
			for _, s := range info.Settings {
				settings[s.Key] = s.Value
			}
			if settings["CGO_ENABLED"] != "0" || settings["GOOS"]+"_"+settings["GOARCH"] != strings.TrimSuffix(name, ".exe") || settings["vcs.revision"] != "" {
				t.Errorf("%s is built with %v", name, settings)
			}
		}
		if got := run(t, ".", artifact("linux_amd64"), "version"); got.stdout != "flux-trust "+releaseVersion+"\n" {
			t.Errorf("it says %s%s", got.stdout, got.stderr)
		}
	})
	t.Run("SBOM", func(t *testing.T) {
		for _, name := range append(slices.Clone(platforms), "image_linux_amd64", "image_linux_arm64") {
			want := modules(t, artifact(strings.TrimPrefix(name, "image_")))
			if got := components(t, artifact(name+".cdx.json")); !maps.Equal(got, want) {
				t.Errorf("the SBOM of %s names\n%v\nand its binary\n%v", name, got, want)
			}
		}
	})
	t.Run("provenance", func(t *testing.T) {
		testProvenance(t, dist, artifact, git(t, repository, "rev-parse", "HEAD"))
	})
	t.Run("image archive", func(t *testing.T) {
		images := readSaved(t, artifact("image.tar"))
		if len(images) != 2 {
			t.Fatalf("%d images", len(images))
		}
		for i, architecture := range []string{"amd64", "arm64"} {
			if images[i].Architecture != architecture || images[i].Created != "2026-01-01T21:04:05Z" {
				t.Errorf("it is for %s, of %s", images[i].Architecture, images[i].Created)
			}
			wantImage(t, images[i], digest([]byte(read(t, artifact("linux_"+architecture)))), wantLabels(t, repository, releaseVersion))
		}
	})
	t.Run("image archive by itself", func(t *testing.T) {
		file := artifact("image.tar")
		want := read(t, file)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		run(t, repository, "make", "-s", "image-archive", "IMAGE=flux-trust:"+releaseVersion)
		if read(t, file) != want {
			t.Error("make image-archive gives another archive than make release")
		}
		checksums := artifact("image.sha256")
		if got := run(t, dist, "sha256sum", "-c", filepath.Base(checksums)); got.code != 0 || strings.Count(got.stdout, ": OK\n") != 3 {
			t.Errorf("%s%s", got.stdout, got.stderr)
		}
		if err := os.Remove(checksums); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("containerd", func(t *testing.T) { testContainerd(t, artifact("image.tar")) })
	t.Run("docker load", func(t *testing.T) { testDockerLoad(t, artifact("image.tar")) })
	t.Run("image behind a proxy", func(t *testing.T) { testImageBehindProxy(t, repository) })
	t.Run("the same bytes again", func(t *testing.T) {
		clone := filepath.Join(t.TempDir(), "elsewhere")
		git(t, ".", "clone", "-q", repository, clone)
		makeRelease(t, clone)
		if a, b := read(t, filepath.Join(dist, "SHA256SUMS")), read(t, filepath.Join(clone, "dist/SHA256SUMS")); a != b {
			t.Errorf("first\n%s\nthen\n%s", a, b)
		}
	})
	t.Run("not of a dirty checkout", func(t *testing.T) {
		write(t, filepath.Join(repository, "main.go"), "package main\n")
		before := digests(t, dist)
		if got := run(t, repository, "make", "-s", "release"); got.code == 0 || !strings.Contains(got.stderr, "is not a clean commit (v1.2.3-dirty); commit first") {
			t.Errorf("exit code %d: %s", got.code, got.stderr)
		}
		if !maps.Equal(before, digests(t, dist)) {
			t.Error("the release is gone")
		}
	})
}

// digests are the files of a folder and their digests.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		found[entry.Name()] = digest([]byte(read(t, filepath.Join(dir, entry.Name()))))
	}
	return found
}

func sums(t *testing.T, dist string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(read(t, filepath.Join(dist, "SHA256SUMS"))) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		found[name] = sum
	}
	return found
}

// modules are the modules in a binary with their versions, and the Go it is built with.
func modules(t *testing.T, binary string) map[string]string {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{"std": info.GoVersion}
	for _, module := range info.Deps {
		found[module.Path] = module.Version
	}
	return found
}

func components(t *testing.T, sbom string) map[string]string {
	t.Helper()
	var bom struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	decode(t, []byte(read(t, sbom)), &bom)
	if about := bom.Metadata.Component; bom.BOMFormat != "CycloneDX" || about.Name != "fluxtrust.dev/flux-trust" || about.Version != releaseVersion {
		t.Errorf("%s is a %s of %v", sbom, bom.BOMFormat, about)
	}
	found := map[string]string{}
	for _, c := range bom.Components {
		found[c.Name] = c.Version
	}
	return found
}

func testProvenance(t *testing.T, dist string, artifact func(string) string, commit string) {
	t.Helper()
	type descriptor struct {
		Name, URI string
		Digest    map[string]string
	}
	var statement struct {
		Type          string `json:"_type"`
		PredicateType string
		Subject       []descriptor
		Predicate     struct {
			BuildDefinition struct {
				BuildType            string
				ExternalParameters   map[string]string
				ResolvedDependencies []descriptor
			}
			RunDetails struct{ Builder struct{ ID string } }
		}
	}
	decode(t, []byte(read(t, artifact("provenance.json"))), &statement)
	build := statement.Predicate.BuildDefinition
	if statement.Type != "https://in-toto.io/Statement/v1" || statement.PredicateType != "https://slsa.dev/provenance/v1" ||
		build.BuildType == "" || statement.Predicate.RunDetails.Builder.ID == "" || build.ExternalParameters["command"] != "make release VERSION="+releaseVersion+" IMAGE=flux-trust:"+releaseVersion {
		t.Errorf("it says %+v", statement)
	}

	// Every artifact, and the image by the digest that a registry gives it.
	want := sums(t, dist)
	delete(want, filepath.Base(artifact("provenance.json")))
	eachEntry(t, []byte(read(t, artifact("image.tar"))), func(header *tar.Header, data []byte) {
		if header.Name == "index.json" {
			var index struct{ Manifests []struct{ Digest string } }
			decode(t, data, &index)
			want[filepath.Base(artifact("image"))] = strings.TrimPrefix(index.Manifests[0].Digest, "sha256:")
		}
	})
	got := map[string]string{}
	for _, s := range statement.Subject {
		got[s.Name] = s.Digest["sha256"]
	}
	if !maps.Equal(got, want) {
		t.Errorf("its subjects are\n%v\nand not\n%v", got, want)
	}

	// The commit, Go, and every module of every binary with the checksum of go.sum.
	dependencies := map[string]string{"git+https://fluxtrust.dev/flux-trust": "map[gitCommit:" + commit + "]"}
	for _, platform := range platforms {
		info, err := buildinfo.ReadFile(artifact(platform))
		if err != nil {
			t.Fatal(err)
		}
		dependencies["pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go")] = "map[]"
		for _, module := range info.Deps {
			sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(module.Sum, "h1:"))
			if err != nil {
				t.Fatal(err)
			}
			dependencies["pkg:golang/"+module.Path+"@"+module.Version] = "map[dirHash:" + hex.EncodeToString(sum) + "]"
		}
	}
	resolved := map[string]string{}
	for _, d := range build.ResolvedDependencies {
		resolved[d.URI] = fmt.Sprint(d.Digest)
	}
	if !maps.Equal(resolved, dependencies) {
		t.Errorf("its dependencies are\n%v\nand not\n%v", resolved, dependencies)
	}
}
