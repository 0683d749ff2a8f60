package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// quickstart returns the paths of a stock install and its config.
func quickstart(t *testing.T) (config, install string) {
	t.Helper()
	dir := copyExample(t, "quickstart")
	return filepath.Join(dir, configFile), filepath.Join(dir, "flux-system/gotk-components.yaml")
}

// testFluxPlugin installs a release with the CLI of Flux, from a catalogue on 127.0.0.1,
// and uses it as people do.
func testFluxPlugin(t *testing.T, dist string) {
	t.Helper()
	flux, function := program(t, "FLUX"), program(t, "FLUX_TRUST")
	manifest := read(t, filepath.Join(dist, "plugins/trust.yaml"))
	const published = "https://fluxtrust.dev/flux-trust/releases/download/" + releaseVersion
	if strings.Count(manifest, published+"/flux-trust_1.2.3_") != len(platforms) {
		t.Fatalf("it does not name an archive for each platform\n%s", manifest)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.Handle("/download/", http.StripPrefix("/download/", http.FileServer(http.Dir(dist))))
	catalogue := strings.ReplaceAll(manifest, published, server.URL+"/download")
	mux.HandleFunc("/good/trust.yaml", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(catalogue)) })
	mux.HandleFunc("/forged/trust.yaml", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.ReplaceAll(catalogue, "sha256:", "sha256:00")))
	})

	plugins := t.TempDir()
	t.Setenv("FLUXCD_PLUGINS", plugins)
	t.Setenv("FLUXCD_PLUGIN_CATALOG", server.URL+"/forged/")
	if got := run(t, ".", flux, "plugin", "install", "trust"); got.code == 0 || !strings.Contains(got.stderr, "checksum verification failed") {
		t.Fatalf("with a wrong checksum: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	t.Setenv("FLUXCD_PLUGIN_CATALOG", server.URL+"/good/")
	if got := run(t, ".", flux, "plugin", "install", "trust@1.2.3"); got.code != 0 {
		t.Fatalf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}

	if got := run(t, ".", flux, "trust", "version"); got.stdout != "flux-trust "+releaseVersion+"\n" {
		t.Errorf("it says %s%s", got.stdout, got.stderr)
	}
	for _, args := range [][]string{{"trust", "--help"}, {"trust", "validate", "--help"}} {
		help := run(t, ".", flux, args...).stdout
		if !strings.Contains(help, "\n  flux trust ") || strings.Contains(help, "\n  flux-trust ") {
			t.Errorf("flux %v speaks as another program\n%s", args, help)
		}
	}
	if got := run(t, ".", flux, "trust", "no-such-file.yaml", "-"); got.code != 1 || !strings.Contains(got.stderr, "no-such-file.yaml") {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
	if got := run(t, ".", flux, "__complete", "trust", "val"); !strings.Contains(got.stdout, "validate") {
		t.Errorf("it completes\n%s%s", got.stdout, got.stderr)
	}
	initAsPlugin(t, flux)
	config, install := quickstart(t)
	got, want := run(t, ".", flux, "trust", config, install), run(t, ".", function, config, install)
	if got != want || got.code != 0 {
		t.Errorf("exit code %d\n%s\nwant\n%s", got.code, got.stderr, want.stderr)
	}
}

// initAsPlugin goes from a certificate file to a folder of flux bootstrap that trusts it,
// and does next what it is told.
func initAsPlugin(t *testing.T, flux string) {
	t.Helper()
	dir := copyExample(t, "bootstrap")
	ca := filepath.Join(dir, "flux-system/Company-Root-CA.crt")
	folder := filepath.Join(dir, "flux-system")
	got := run(t, ".", flux, "trust", "init", ca, "--dir", folder)
	if got.code != 0 || !strings.Contains(got.stdout, "| flux trust validate ") || strings.Contains(got.stdout, "flux-trust validate") {
		t.Fatalf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = run(t, ".", flux, "trust", "patches", filepath.Join(folder, "corporate-ca.yaml"), "--write", folder, "--check")
	if got.code != 0 {
		t.Errorf("exit code %d\n%s", got.code, got.stderr)
	}
}

// chart writes a chart of a stock install, which Helm renders as it is.
func chart(t *testing.T) (dir, config string) {
	t.Helper()
	config, install := quickstart(t)
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "Chart.yaml"), "apiVersion: v2\nname: flux\nversion: 0.1.0\n")
	write(t, filepath.Join(dir, "templates/flux.yaml"), read(t, install))
	return dir, config
}

// helmHome makes Helm look for its files in a folder of the test alone.
func helmHome(t *testing.T) (plugins string) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"CACHE", "CONFIG", "DATA"} {
		t.Setenv("HELM_"+name+"_HOME", filepath.Join(home, strings.ToLower(name)))
	}
	plugins = filepath.Join(home, "plugins")
	t.Setenv("HELM_PLUGINS", plugins)
	return plugins
}

// wantPostRendered holds what Helm has rendered against the function over what Helm
// renders without it.
func wantPostRendered(t *testing.T, helm, chart, config string, got result) {
	t.Helper()
	if got.code != 0 {
		t.Fatalf("exit code %d\n%s", got.code, got.stderr)
	}
	plain := filepath.Join(t.TempDir(), "plain.yaml")
	write(t, plain, run(t, ".", helm, "template", "flux", chart).stdout)
	want := run(t, ".", program(t, "FLUX_TRUST"), config, plain)
	if len(deployments(t, want.stdout)) != 7 || !strings.Contains(want.stdout, "flux-trust-ca") {
		t.Fatalf("the test has no controllers\n%s", want.stderr)
	}
	if !reflect.DeepEqual(deployments(t, got.stdout), deployments(t, want.stdout)) {
		t.Errorf("Helm renders\n%s\nwant\n%s", got.stdout, want.stdout)
	}
}

// testHelmPlugin installs the archive of a release as a plugin of Helm 4.
func testHelmPlugin(t *testing.T, archive string) {
	t.Helper()
	helm := program(t, "HELM")
	plugins := helmHome(t)
	plugin := filepath.Join(plugins, "flux-trust")
	if err := os.MkdirAll(plugin, 0o700); err != nil {
		t.Fatal(err)
	}
	unpack(t, archive, plugin)
	if got := run(t, ".", helm, "plugin", "list"); !strings.Contains(got.stdout, "flux-trust") || !strings.Contains(got.stdout, "1.2.3") {
		t.Errorf("Helm lists\n%s%s", got.stdout, got.stderr)
	}
	chart, config := chart(t)
	render := []string{"template", "flux", chart, "--post-renderer", "flux-trust", "--post-renderer-args", config, "--post-renderer-args", "-"}
	messages := func() string { return read(t, filepath.Join(plugin, "messages.txt")) }

	wantPostRendered(t, helm, chart, config, run(t, ".", helm, render...))
	if got := messages(); !strings.Contains(got, "7 controllers found, 7 changed") {
		t.Errorf("the messages are\n%s", got)
	}

	replaceInFile(t, config, "caBundle:", "caBundel:")
	got := run(t, ".", helm, render...)
	if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, `plugin "flux-trust" exited with error`) {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got := messages(); !strings.Contains(got, `did you mean "caBundle"?`) {
		t.Errorf("the messages are\n%s", got)
	}
}

// TestHelm3 runs the function as the post-renderer of Helm 3, which may be any program.
func TestHelm3(t *testing.T) {
	helm, function := program(t, "HELM3"), program(t, "FLUX_TRUST")
	helmHome(t)
	chart, config := chart(t)
	render := []string{"template", "flux", chart, "--post-renderer", function, "--post-renderer-args", config, "--post-renderer-args", "-"}
	wantPostRendered(t, helm, chart, config, run(t, ".", helm, render...))

	replaceInFile(t, config, "caBundle:", "caBundel:")
	if got := run(t, ".", helm, render...); got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, `did you mean "caBundle"?`) {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
