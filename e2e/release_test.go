package e2e

import (
	"archive/tar"
	"archive/zip"
	"debug/buildinfo"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const releaseVersion = "v1.2.3"

// platforms are what a release is built for.
var platforms = []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64", "windows_arm64"}

// newRepository commits and tags a copy of the checkout.
func newRepository(t *testing.T) string {
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
	return repository
}

// mustMake runs a target of the Makefile with the name that the image of a release has.
func mustMake(t *testing.T, repository, target string) {
	t.Helper()
	if got := run(t, repository, "make", "-s", target, "IMAGE=flux-trust:"+releaseVersion); got.code != 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
}

// TestImageArchive makes the archive of the image and loads it into what this machine has.
func TestImageArchive(t *testing.T) {
	if os.Getenv("RELEASE") == "" {
		t.Skip("SKIPPED: RELEASE is not set; make e2e runs this test")
	}
	repository := newRepository(t)
	mustMake(t, repository, "image-archive")
	dist := filepath.Join(repository, "dist")
	archive, binary := filepath.Join(dist, "flux-trust_1.2.3_image.tar"), func(architecture string) string {
		return filepath.Join(repository, "bin/image", architecture, "flux-trust")
	}

	t.Run("content", func(t *testing.T) {
		images := readSaved(t, archive)
		if len(images) != 2 {
			t.Fatalf("%d images", len(images))
		}
		for i, architecture := range []string{"amd64", "arm64"} {
			if images[i].Architecture != architecture || images[i].Created != "2026-01-01T21:04:05Z" {
				t.Errorf("it is for %s, of %s", images[i].Architecture, images[i].Created)
			}
			wantImage(t, images[i], digest([]byte(read(t, binary(architecture)))), wantLabels(t, repository, releaseVersion))
			wantComponents(t, filepath.Join(dist, "flux-trust_1.2.3_image_linux_"+architecture+".cdx.json"), binary(architecture))
		}
	})
	t.Run("checksums", func(t *testing.T) {
		if got := run(t, dist, "sha256sum", "-c", "flux-trust_1.2.3_image.sha256"); got.code != 0 || strings.Count(got.stdout, ": OK\n") != 3 {
			t.Errorf("%s%s", got.stdout, got.stderr)
		}
	})
	t.Run("containerd", func(t *testing.T) { testContainerd(t, archive) })
	t.Run("docker load", func(t *testing.T) { testDockerLoad(t, archive) })
	t.Run("image behind a proxy", func(t *testing.T) { testImageBehindProxy(t, repository, binary("arm64")) })
}

// TestRelease makes a release twice and looks at all of it.
func TestRelease(t *testing.T) {
	program(t, "GORELEASER")
	repository := newRepository(t)
	mustMake(t, repository, "release")
	dist := filepath.Join(repository, "dist")
	artifact := func(name string) string { return filepath.Join(dist, "flux-trust_"+releaseVersion[1:]+"_"+name) }

	t.Run("listing", func(t *testing.T) {
		want := []string{"plugins"}
		for _, name := range []string{
			"checksums.txt", "image.tar", "image_linux_amd64.cdx.json", "image_linux_arm64.cdx.json",
			"linux_amd64.deb", "linux_arm64.deb", "linux_amd64.rpm", "linux_arm64.rpm",
		} {
			want = append(want, filepath.Base(artifact(name)))
		}
		for _, platform := range platforms {
			want = append(want, filepath.Base(archiveOf(artifact, platform)), filepath.Base(artifact(platform+".cdx.json")))
		}
		slices.Sort(want)
		entries, err := os.ReadDir(dist)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("checksums", func(t *testing.T) {
		got := digests(t, dist)
		delete(got, filepath.Base(artifact("checksums.txt")))
		if want := sums(t, artifact("checksums.txt")); !maps.Equal(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("archives", func(t *testing.T) { testArchives(t, artifact) })
	t.Run("packages", func(t *testing.T) { testPackages(t, artifact) })
	t.Run("image", func(t *testing.T) {
		want := read(t, artifact("image.tar"))
		mustMake(t, repository, "image-archive")
		if read(t, artifact("image.tar")) != want {
			t.Error("make image-archive gives another archive than make release")
		}
	})
	t.Run("plugin of Flux", func(t *testing.T) { testFluxPlugin(t, dist) })
	t.Run("plugin of Helm", func(t *testing.T) { testHelmPlugin(t, artifact("linux_amd64.tar.gz")) })
	t.Run("the same bytes again", func(t *testing.T) {
		clone := filepath.Join(t.TempDir(), "elsewhere")
		git(t, ".", "clone", "-q", repository, clone)
		mustMake(t, clone, "release")
		for _, file := range []string{"flux-trust_1.2.3_checksums.txt", "plugins/trust.yaml"} {
			if a, b := read(t, filepath.Join(dist, file)), read(t, filepath.Join(clone, "dist", file)); a != b {
				t.Errorf("first\n%s\nthen\n%s", a, b)
			}
		}
	})
}

// TestReleaseOfChanges: what is not committed would not be in the commit that the
// release names.
func TestReleaseOfChanges(t *testing.T) {
	repository := newRepository(t)
	write(t, filepath.Join(repository, "main.go"), "package main\n")
	write(t, filepath.Join(repository, "more.go"), "package main\n")
	got := run(t, repository, "make", "-s", "release")
	if want := "the checkout has changes; commit or remove them first:\n M main.go\n?? more.go\n"; got.code == 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
}

// archiveOf is the archive for a platform.
func archiveOf(artifact func(string) string, platform string) string {
	if strings.HasPrefix(platform, "windows") {
		return artifact(platform + ".zip")
	}
	return artifact(platform + ".tar.gz")
}

// testArchives looks into the archive of every platform.
func testArchives(t *testing.T, artifact func(string) string) {
	t.Helper()
	for _, platform := range platforms {
		dir, name := t.TempDir(), "flux-trust"
		if strings.HasPrefix(platform, "windows") {
			name += ".exe"
		}
		unpack(t, archiveOf(artifact, platform), dir)
		want := []string{
			"README.md", "completions/_flux-trust", "completions/flux-trust.bash", "completions/flux-trust.fish",
			"completions/flux-trust.ps1", name, "man/flux-trust.1.gz", "plugin.yaml",
		}
		var got []string
		if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if !info.ModTime().Equal(time.Date(2026, 1, 1, 21, 4, 5, 0, time.UTC)) {
				t.Errorf("%s: %s is of %s", platform, path, info.ModTime())
			}
			if executable := info.Mode()&0o111 != 0; executable != (entry.Name() == name) {
				t.Errorf("%s: %s has the mode %s", platform, path, info.Mode())
			}
			relative, err := filepath.Rel(dir, path)
			got = append(got, relative)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds\n%v\nand not\n%v", platform, got, want)
		}

		binary := filepath.Join(dir, name)
		// The bound that docs/design.md names: static, stripped.
		if info, err := os.Stat(binary); err != nil || info.Size() > 20_000_000 {
			t.Errorf("%s: %d bytes (%v)", platform, info.Size(), err)
		}
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if settings["CGO_ENABLED"] != "0" || settings["GOOS"]+"_"+settings["GOARCH"] != platform || settings["vcs.revision"] != "" {
			t.Errorf("%s is built with %v", platform, settings)
		}
		wantComponents(t, artifact(platform+".cdx.json"), binary)
		if platform == runtime.GOOS+"_"+runtime.GOARCH {
			if got := run(t, ".", binary, "version"); got.stdout != "flux-trust "+releaseVersion+"\n" {
				t.Errorf("it says %s%s", got.stdout, got.stderr)
			}
		}
	}
}

// unpack unpacks an archive with the tools of this machine.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	if !strings.HasSuffix(archive, ".zip") {
		if got := run(t, ".", "tar", "-xzf", archive, "-C", dir); got.code != 0 {
			t.Fatal(got.stderr)
		}
		return
	}
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close() //nolint:errcheck // only read
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(file.Name)) //nolint:gosec // our own archive
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, file.Mode()); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, file.Modified, file.Modified); err != nil {
			t.Fatal(err)
		}
	}
}

// testPackages looks into the packages with the tools of their distributions.
func testPackages(t *testing.T, artifact func(string) string) {
	t.Helper()
	files := []string{
		"/usr/bin/flux-trust", "/usr/share/bash-completion/completions/flux-trust", "/usr/share/fish/vendor_completions.d/flux-trust.fish",
		"/usr/share/man/man1/flux-trust.1.gz", "/usr/share/zsh/site-functions/_flux-trust",
	}
	for name, list := range map[string][]string{"deb": {"dpkg-deb", "--fsys-tarfile"}, "rpm": {"rpm", "-qpl"}} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(list[0]); err != nil {
				t.Skipf("SKIPPED: %s is not on the PATH", list[0])
			}
			got := run(t, ".", list[0], append(list[1:], artifact("linux_amd64."+name))...)
			if got.code != 0 {
				t.Fatal(got.stderr)
			}
			found := strings.Fields(got.stdout)
			if name == "deb" {
				found = nil
				eachEntry(t, []byte(got.stdout), func(header *tar.Header, _ []byte) {
					if header.Typeflag == tar.TypeReg {
						found = append(found, strings.TrimPrefix(header.Name, "."))
					}
				})
			}
			if slices.Sort(found); !slices.Equal(found, files) {
				t.Errorf("got\n%v\nwant\n%v", found, files)
			}
		})
	}
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
		if entry.IsDir() {
			continue
		}
		found[entry.Name()] = digest([]byte(read(t, filepath.Join(dir, entry.Name()))))
	}
	return found
}

// sums are the checksums that a file names.
func sums(t *testing.T, file string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(read(t, file)) {
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

// wantComponents holds an SBOM against the modules in its binary.
func wantComponents(t *testing.T, sbom, binary string) {
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
	if want := modules(t, binary); !maps.Equal(found, want) {
		t.Errorf("%s names\n%v\nand its binary\n%v", sbom, found, want)
	}
}
