package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const passwd = "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"

// savedImage is an image of an archive: what it holds, and how it is run.
type savedImage struct {
	RepoTags     []string
	OS           string
	Architecture string
	Created      string
	User         string
	Entrypoint   []string
	Labels       map[string]string
	// Files are the modes and digests of its files and the modes of its folders.
	Files map[string]string
}

// readSaved reads the images that docker load finds in an archive: one of docker
// save, or one of ours.
func readSaved(t *testing.T, file string) []savedImage {
	t.Helper()
	archive := map[string][]byte{}
	eachEntry(t, []byte(read(t, file)), func(header *tar.Header, data []byte) { archive[header.Name] = data })
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	decode(t, archive["manifest.json"], &manifest)
	var images []savedImage
	for _, m := range manifest {
		var config struct {
			OS, Architecture, Created string
			Config                    struct {
				User       string
				Entrypoint []string
				Labels     map[string]string
			}
		}
		decode(t, archive[m.Config], &config)
		image := savedImage{
			m.RepoTags, config.OS, config.Architecture, config.Created,
			config.Config.User, config.Config.Entrypoint, config.Config.Labels,
			map[string]string{},
		}
		for _, layer := range m.Layers {
			data := archive[layer]
			if unpacked, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
				if data, err = io.ReadAll(unpacked); err != nil {
					t.Fatal(err)
				}
			}
			eachEntry(t, data, func(header *tar.Header, data []byte) {
				mode := header.FileInfo().Mode().String()
				if header.Typeflag == tar.TypeReg {
					mode += " " + digest(data)
				}
				image.Files[strings.TrimSuffix(header.Name, "/")] = mode
			})
		}
		images = append(images, image)
	}
	return images
}

func eachEntry(t *testing.T, archive []byte, visit func(*tar.Header, []byte)) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		visit(header, data)
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// save saves an image of the engine and reads it.
func save(t *testing.T, name string) (savedImage, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	if got := run(t, ".", "docker", "save", "-o", file, name); got.code != 0 {
		t.Fatal(got.stderr)
	}
	images := readSaved(t, file)
	if len(images) != 1 {
		t.Fatalf("%d images", len(images))
	}
	return images[0], file
}

// wantImage holds an image against what each must be, with the given binary.
func wantImage(t *testing.T, image savedImage, binary string, labels map[string]string) {
	t.Helper()
	if image.OS != "linux" || image.User != "65534:65534" || !slices.Equal(image.Entrypoint, []string{"/flux-trust"}) {
		t.Errorf("OS %s, user %s, entrypoint %s", image.OS, image.User, image.Entrypoint)
	}
	files := map[string]string{"etc": "drwxr-xr-x", "etc/passwd": "-rw-r--r-- " + digest([]byte(passwd)), "flux-trust": "-rwxr-xr-x " + binary}
	if !maps.Equal(image.Files, files) {
		t.Errorf("it holds\n%v\nand not\n%v", image.Files, files)
	}
	if !maps.Equal(image.Labels, labels) {
		t.Errorf("its labels are\n%v\nand not\n%v", image.Labels, labels)
	}
}

// wantLabels are the labels of a version that is built from a checkout.
func wantLabels(t *testing.T, checkout, version string) map[string]string {
	t.Helper()
	const label = "org.opencontainers.image."
	about := readMetadata(t)
	labels := map[string]string{
		label + "title": "flux-trust", label + "description": about.Description, label + "source": about.SourceURL, label + "version": version,
		label + "revision": git(t, checkout, "rev-parse", "HEAD"),
		label + "created":  git(t, checkout, "show", "-s", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"),
	}
	const artifactHub = "io.artifacthub.package."
	labels[artifactHub+"readme-url"] = about.SourceURL + "/README.md"
	labels[artifactHub+"category"] = "security"
	labels[artifactHub+"keywords"] = strings.Join(about.Tags, ",")
	if about.License != "" {
		labels[label+"licenses"] = about.License
	}
	return labels
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	t.Setenv("TZ", "UTC")
	got := run(t, dir, "git", args...)
	if got.code != 0 {
		t.Fatalf("git %v: %s", args, got.stderr)
	}
	return strings.TrimSpace(got.stdout)
}

// TestImageContent looks into the image that make image has built.
func TestImageContent(t *testing.T) {
	got, _ := save(t, image(t))
	version := got.Labels["org.opencontainers.image.version"]
	out := run(t, ".", "docker", "run", "--rm", image(t), "version")
	if out.stdout != "flux-trust "+version+"\n" {
		t.Errorf("version %s says %s%s", version, out.stdout, out.stderr)
	}
	function := program(t, "FLUX_TRUST")
	if here := run(t, ".", function, "version"); here.stdout != out.stdout {
		t.Fatalf("the executable says %s, the image %s; build both with make e2e", here.stdout, out.stdout)
	}
	wantImage(t, got, binaryDigest(t, got, function), wantLabels(t, "..", version))
}

// metadata is what metadata.yaml says to a catalogue.
type metadata struct {
	Image, Description, SourceURL, License string
	Tags, ExamplePackageURLs, Emails       []string
}

func readMetadata(t *testing.T) metadata {
	t.Helper()
	var about metadata
	if err := yaml.UnmarshalStrict([]byte(read(t, "../metadata.yaml")), &about); err != nil {
		t.Fatal(err)
	}
	return about
}

// TestMetadata holds metadata.yaml against the repository.
func TestMetadata(t *testing.T) {
	about := readMetadata(t)
	for _, url := range about.ExamplePackageURLs {
		path, found := strings.CutPrefix(url, about.SourceURL+"/")
		if _, err := os.Stat(filepath.Join("..", path)); err != nil || !found {
			t.Errorf("%s: no such example", url)
		}
	}
	if len(about.ExamplePackageURLs) == 0 || len(about.Tags) == 0 {
		t.Error("it names no examples, or no tags")
	}
	if _, err := os.Stat("../LICENSE"); errors.Is(err, fs.ErrNotExist) != (about.License == "") {
		t.Errorf("license %q: name one when there is a LICENSE, and only then", about.License)
	}
	labels := run(t, "..", "hack/labels.sh", "v1.2.3").stdout
	for _, want := range []string{"title=" + about.Image, "description=" + about.Description, "source=" + about.SourceURL, "version=v1.2.3"} {
		if !strings.Contains(labels, "org.opencontainers.image."+want+"\n") {
			t.Errorf("the image has no label %s, but\n%s", want, labels)
		}
	}
}

// testImageBehindProxy builds the image of a release where the modules come through a
// proxy whose certificate only the secret explains, and for another architecture.
func testImageBehindProxy(t *testing.T, repository, binary string) {
	t.Helper()
	image(t)
	// A build needs less than what the image downloads, so the rest may be missing.
	if got := run(t, repository, "go", "mod", "download"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	cache := run(t, ".", "go", "env", "GOMODCACHE")
	root := newAuthority(t, "root")
	proxy := root.serve(t, http.FileServer(http.Dir(filepath.Join(strings.TrimSpace(cache.stdout), "cache/download"))))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, root.pem())
	const name = "flux-trust:behind-proxy"
	t.Setenv("GOPROXY", proxy)
	arguments := []string{"-s", "image", "IMAGE=" + name, "VERSION=" + releaseVersion, "BUILD_FLAGS=--network host --platform linux/arm64"}
	if got := run(t, repository, "make", arguments...); got.code == 0 || !strings.Contains(got.stderr, "x509: certificate signed by unknown authority") {
		t.Fatalf("without the secret: exit code %d\n%s", got.code, got.stderr)
	}
	if got := run(t, repository, "make", append(arguments, "CA="+ca)...); got.code != 0 {
		t.Fatalf("with the secret: %s", got.stderr)
	}
	t.Cleanup(func() { run(t, ".", "docker", "rmi", name) })
	got, file := save(t, name)
	if wantImage(t, got, binaryDigest(t, got, binary), wantLabels(t, repository, releaseVersion)); got.Architecture != "arm64" {
		t.Errorf("it is for %s", got.Architecture)
	}
	// Neither the certificate nor the path of its file is in the image or its history.
	saved := read(t, file)
	for _, secret := range append(strings.Split(strings.TrimSpace(root.pem()), "\n"), string(root.certificate.Raw), ca) {
		if !strings.HasPrefix(secret, "-----") && strings.Contains(saved, secret) {
			t.Errorf("the image holds %q of the secret", secret)
		}
	}
}

// binaryDigest is the digest of a binary that was built without an engine: the image
// must hold the same one, where both are built with the same Go.
func binaryDigest(t *testing.T, image savedImage, binary string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.TrimSpace(run(t, ".", "docker", "run", "--rm", os.Getenv("GO_IMAGE"), "go", "env", "GOVERSION").stdout)
	if info.GoVersion == other {
		return digest([]byte(read(t, binary)))
	}
	t.Logf("SKIPPED: the comparison of the binaries, which are built with %s and with %s", info.GoVersion, other)
	_, found, _ := strings.Cut(image.Files["flux-trust"], " ")
	return found
}

// testDockerLoad loads the archive of a release into the engine and runs it.
func testDockerLoad(t *testing.T, archive string) {
	t.Helper()
	image(t)
	names := []string{"flux-trust:" + releaseVersion + "-amd64", "flux-trust:" + releaseVersion + "-arm64"}
	t.Cleanup(func() { run(t, ".", "docker", append([]string{"rmi"}, names...)...) })
	got := run(t, ".", "docker", "load", "-i", archive)
	if got.code != 0 {
		t.Fatal(got.stderr)
	}
	architecture := strings.TrimSpace(run(t, ".", "docker", "version", "--format", "{{.Server.Arch}}").stdout)
	got = run(t, ".", "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--user", "nobody", "flux-trust:"+releaseVersion+"-"+architecture, "version")
	if got.stdout != "flux-trust "+releaseVersion+"\n" {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// testContainerd imports the archive of a release into containerd, as the nodes of a
// cluster do, and runs it.
func testContainerd(t *testing.T, archive string) {
	t.Helper()
	if _, err := exec.LookPath("ctr"); err != nil {
		t.Skip("SKIPPED: ctr is not on the PATH")
	}
	ctr := []string{"-n", "flux-trust-e2e", "-a"}
	for _, socket := range []string{"/run/containerd/containerd.sock", "/run/docker/containerd/containerd.sock"} {
		if run(t, ".", "ctr", "-a", socket, "version").code == 0 {
			ctr = append(ctr, socket)
			break
		}
	}
	if len(ctr) == 3 {
		t.Skip("SKIPPED: no containerd answers")
	}
	names := strings.Fields(run(t, ".", "ctr", append(ctr, "image", "ls", "-q")...).stdout)
	if len(names) > 0 {
		t.Fatalf("there are images already: %v", names)
	}
	if got := run(t, ".", "ctr", append(ctr, "image", "import", "--all-platforms", "--no-unpack", archive)...); got.code != 0 {
		t.Fatal(got.stderr)
	}
	names = strings.Fields(run(t, ".", "ctr", append(ctr, "image", "ls", "-q")...).stdout)
	t.Cleanup(func() {
		run(t, ".", "ctr", append(append(ctr, "image", "rm", "--sync"), names...)...)
		run(t, ".", "ctr", append(ctr[2:], "namespaces", "rm", ctr[1])...)
	})
	if len(names) != 1 || !strings.HasSuffix(names[0], "/flux-trust:"+releaseVersion) {
		t.Fatalf("its name is %v", names)
	}
	if got := run(t, ".", "ctr", append(ctr, "image", "ls")...); !strings.Contains(got.stdout, " linux/amd64,linux/arm64 ") {
		t.Errorf("the platforms are\n%s", got.stdout)
	}
	if got := run(t, ".", "ctr", append(ctr, "image", "import", "--snapshotter", "native", archive)...); got.code != 0 {
		t.Fatal(got.stderr)
	}
	got := run(t, ".", "ctr", append(ctr, "run", "--rm", "--snapshotter", "native", "--read-only", names[0], "flux-trust-e2e", "/flux-trust", "version")...)
	if got.stdout != "flux-trust "+releaseVersion+"\n" {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestImageWithoutBase: where the image of the build stage is not to be had, make image
// says so before it builds anything.
func TestImageWithoutBase(t *testing.T) {
	image(t)
	got := run(t, "..", "make", "-s", "image", "IMAGE=flux-trust:never", "GO_IMAGE=registry.invalid/golang:1.26")
	for _, want := range []string{"registry.invalid/golang:1.26", "GO_IMAGE=", "CA=", "make image-archive"} {
		if got.code == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("exit code %d, and no %q in\n%s", got.code, want, got.stderr)
		}
	}
}
