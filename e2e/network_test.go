package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOnlyProbeOpensConnections reads the direct imports of every package: none but
// probe can open a connection.
func TestOnlyProbeOpensConnections(t *testing.T) {
	out, err := exec.Command("go", "list", "-C", "..", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	// net/netip and net/url are about text.
	connects := func(path string) bool {
		return path == "net" || path == "crypto/tls" || path == "net/http" || strings.HasPrefix(path, "net/http/") || path == "net/rpc" || path == "net/smtp" ||
			path == "syscall/js" || strings.HasPrefix(path, "golang.org/x/net/") || path == "os/exec"
	}
	probes := false
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		name, imports, _ := strings.Cut(line, " ")
		found := slices.DeleteFunc(strings.Fields(imports), func(path string) bool { return !connects(path) })
		if name == "fluxtrust.dev/flux-trust/internal/probe" {
			probes = slices.Contains(found, "net/http") && !slices.Contains(found, "os/exec")
			continue
		}
		if len(found) > 0 {
			t.Errorf("%s imports %v", name, found)
		}
	}
	if !probes {
		t.Error("probe does not import net/http: this test looks at the wrong thing")
	}
}

// TestWithoutNetwork runs every command in a network namespace of its own, in which
// there is nothing to connect to.
func TestWithoutNetwork(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	if err := exec.Command("unshare", "-rn", "true").Run(); err != nil {
		t.Skip("SKIPPED: unshare -rn is not possible here")
	}
	dir := filepath.Join(examples, "quickstart")
	items := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig:\n  " +
		strings.ReplaceAll(strings.TrimSpace(read(t, filepath.Join(dir, "functionconfig.yaml"))), "\n", "\n  ") + "\n    onNoControllers: Ignore\n"
	list := filepath.Join(t.TempDir(), "list.yaml")
	write(t, list, items)
	for name, command := range map[string]string{
		"filter":       function + " functionconfig.yaml flux-system/gotk-components.yaml",
		"ResourceList": function + " < " + list,
		"validate":     function + " validate functionconfig.yaml expected.yaml | grep -v '^flux-trust '",
		"init":         function + " init certs/Company-Root-CA.crt --dir ../bootstrap/flux-system --dry-run",
		"version":      function + " version",
		"help":         function + " --help",
	} {
		with := run(t, dir, "sh", "-c", command)
		without := run(t, dir, "unshare", "-rn", "sh", "-c", command)
		if with.code != 0 || with != without {
			t.Errorf("%s: with a network\n%+v\nwithout\n%+v", name, with, without)
		}
	}
	// Without it, a connection does fail.
	root := newAuthority(t, "root")
	args := []string{"probe", inlineConfig(t, root), writeSource(t, root.serve(t, http.HandlerFunc(emptyIndex))), "--system-roots", "None", "--timeout", "5s"}
	if got := run(t, dir, function, args...); got.code != 0 {
		t.Errorf("with a network: %+v", got)
	}
	if got := run(t, dir, "unshare", append([]string{"-rn", function}, args...)...); got.code != 1 || !strings.Contains(got.stdout, "network is unreachable") {
		t.Errorf("there is a network: %+v", got)
	}
}

func emptyIndex(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
}

// inlineConfig writes a config that trusts an authority.
func inlineConfig(t *testing.T, a authority) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: corporate-ca}\nspec:\n  caBundle:\n  - inline:\n      name: corporate-ca\n      pem: |\n        " +
		strings.ReplaceAll(a.pem(), "\n", "\n        ") + "\n"
	write(t, file, text)
	return file
}

func writeSource(t *testing.T, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sources.yaml")
	text := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: apps}\nspec: {url: \"" + url + "\"}\n"
	write(t, file, text)
	return file
}

// TestProbeThroughHTTPSProxy reaches a host whose name the proxy alone knows.
func TestProbeThroughHTTPSProxy(t *testing.T) {
	function := program(t, "FLUX_TRUST")
	root := newAuthority(t, "root")
	backend := strings.TrimPrefix(root.serve(t, http.HandlerFunc(emptyIndex), "charts.example.com"), "https://")
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); r.Host != "charts.example.com:443" || password != "s3cret" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer down.Close() //nolint:errcheck // a test
		up, err := net.Dial("tcp", backend)
		if err != nil {
			return
		}
		defer up.Close() //nolint:errcheck // a test
		_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(up, down) }()
		_, _ = io.Copy(down, up)
	}))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		t.Setenv(name, "")
	}
	config := inlineConfig(t, root)
	sources := writeSource(t, "https://charts.example.com/stable")
	for proxied, want := range map[string]string{
		strings.Replace(proxy.URL, "http://", "http://user:s3cret@", 1): "√ charts.example.com  by bundle (CN=root)  for HelmRepository apps/charts (index)",
		proxy.URL: "ProxyCredentials: the proxy answers 407 Proxy Authentication Required (through the proxy 127.0.0.1:",
	} {
		t.Setenv("HTTPS_PROXY", proxied)
		got := run(t, ".", function, "probe", config, sources, "--system-roots", "None")
		if !strings.Contains(got.stdout, want) || strings.Contains(got.stdout+got.stderr, "s3cret") {
			t.Errorf("exit code %d\n%s%s\nwant %s", got.code, got.stdout, got.stderr, want)
		}
	}
}
