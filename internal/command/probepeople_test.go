package command

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fluxtrust.dev/flux-trust/internal/probe"
)

// withoutEnvironment clears what makes Go trust other roots, or take another way, on
// some machines.
func withoutEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		t.Setenv(name, "")
		t.Setenv(strings.ToLower(name), "")
	}
}

// serveTLS starts a server on 127.0.0.1 and returns it, and a config that trusts it.
func serveTLS(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, config string) {
	t.Helper()
	withoutEnvironment(t)
	server = httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	root := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server, writeSpec(t, "  caBundle:\n  - inline:\n      name: corporate-ca\n      pem: |\n        "+strings.ReplaceAll(root, "\n", "\n        ")+"\n    allow: [NotCA, Expired, WeakKey]\n")
}

// writeSources writes a HelmRepository for each URL.
func writeSources(t *testing.T, urls ...string) string {
	t.Helper()
	var text strings.Builder
	for i, url := range urls {
		fmt.Fprintf(&text, "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts-%04d, namespace: apps}\nspec: {url: %q}\n", i, url)
	}
	file := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func emptyIndex(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
}

// manyReports has 200 equal failures of hosts, a failure of another kind, and 2,000
// sources that work on four hosts.
func manyReports() []probe.Report {
	var all []probe.Report
	for i := range 200 {
		host := fmt.Sprintf("charts-%d.example.com:8443", i)
		all = append(all, probe.Report{
			Source: fmt.Sprintf("HelmRepository apps/failed-%d", i), Host: host, Role: "index", Result: probe.Failed,
			Failure: &probe.Failure{Code: probe.Timeout, Error: fmt.Sprintf("dial tcp 10.0.%d.1:8443: i/o timeout", i), Cure: probe.Timeout.Cure()},
		}, probe.Report{
			Source: fmt.Sprintf("HelmRepository apps/unknown-%d", i), Host: host, Role: "index", Result: probe.Failed,
			Failure: &probe.Failure{Code: probe.UnknownHost, Error: fmt.Sprintf("lookup charts-%d.example.com: no such host", i), Cure: probe.UnknownHost.Cure()},
		})
	}
	chain := []probe.Certificate{{Subject: "CN=*.example.com", Issuer: "CN=Corp issuing CA with a rather long name"}, {Subject: "CN=Corp issuing CA with a rather long name", Issuer: "CN=Corp root"}}
	for i := range 2000 {
		all = append(all, probe.Report{
			Source: fmt.Sprintf("HelmRepository apps/works-%d", i), Host: fmt.Sprintf("host-%d.example.com", i%4), Role: "index",
			Result: probe.OK, TrustedBy: []string{"bundle"}, Chain: chain,
		})
	}
	return append(all, probe.Report{
		Source: "HelmRepository apps/other", Host: "charts-1.example.com:8443", Role: "index", Result: probe.Failed, Chain: chain,
		Failure: &probe.Failure{Code: probe.UnknownAuthority, Error: "x509: certificate signed by unknown authority", Cure: "add the root of charts-1.example.com"},
	})
}

// TestProbeGroups tells equal failures once, and a host with all its sources.
func TestProbeGroups(t *testing.T) {
	p := &probing{}
	p.take(manyReports())
	table := p.table(style{})
	for mark, want := range map[string]int{"√": 4, "×": 2*11 + 1, "!": 0, "-": 0} {
		if got := strings.Count("\n"+table, "\n"+mark+" "); got != want {
			t.Errorf("%d lines with %s, want %d", got, mark, want)
		}
	}
	for _, want := range []string{
		"√ host-0.example.com  by bundle (CN=Corp root)  for HelmRepository apps/works-0 (index), HelmRepository apps/works-4 (index)",
		" and 495 more\n", "× charts-1.example.com:8443  for HelmRepository apps/failed-1 (index)\n", "\n× and 190 hosts more\n    Timeout: ", "\n× and 190 hosts more\n    UnknownHost: ",
		"\n2401 sources; 204 hosts: 4 ok, 0 skipped, 0 unchecked, 200 failed\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("%s is missing in\n%s", want, table)
		}
	}
	if n := strings.Count(table, "    cure: "); n != 3 {
		t.Errorf("%d findings, want 3", n)
	}
	if p.OK != 2000 || p.Failed != 401 {
		t.Errorf("counts %d and %d", p.OK, p.Failed)
	}
}

// TestProbeAddsUp: a host of several results counts once, as the worst of them, and what
// has no host counts by its source.
func TestProbeAddsUp(t *testing.T) {
	failed := &probe.Failure{Code: probe.Timeout, Error: "i/o timeout", Cure: "x"}
	p := &probing{}
	p.take([]probe.Report{
		{Source: "HelmRepository a/1", Host: "one.example.com", Result: probe.OK},
		{Source: "HelmRepository a/1", Host: "two.example.com", Result: probe.Failed, Failure: failed},
		{Source: "HelmRepository a/2", Host: "one.example.com", Result: probe.Failed, Failure: failed},
		{Source: "OCIRepository a/3", Host: "three.example.com", Result: probe.Unchecked, Failure: failed},
		{Source: "OCIRepository a/3", Host: "three.example.com", Result: probe.OK},
		{Source: "GitRepository a/4", Host: "four.example.com", Result: probe.Skipped},
		{Source: "GitRepository a/5", Host: "four.example.com", Result: probe.OK},
		{Source: "GitRepository a/6", Result: probe.Failed, Failure: failed},
	})
	if want := "\n6 sources; 5 hosts: 1 ok, 0 skipped, 1 unchecked, 3 failed\n"; !strings.HasSuffix(p.table(style{}), want) {
		t.Errorf("got\n%s\nwant%s", p.table(style{}), want)
	}
	text, err := p.format("json", style{})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sources, OK, Failed, Unchecked, Skipped int
		Hosts                                   struct{ Total, OK, Failed, Unchecked, Skipped int }
		Reports                                 []probe.Report
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if h := got.Hosts; got.Sources != 6 || h.Total != 5 || h.OK != 1 || h.Failed != 3 || h.Unchecked != 1 || h.Skipped != 0 {
		t.Errorf("got %+v", got)
	}
	if got.OK+got.Failed+got.Unchecked+got.Skipped != len(got.Reports) {
		t.Errorf("the reports do not add up: %+v", got)
	}
}

// TestProbeWidth keeps to the width of a terminal, and to its colours.
func TestProbeWidth(t *testing.T) {
	p := &probing{}
	p.take(manyReports())
	for _, width := range []int{60, 80, 132} {
		table := p.table(style{width: width})
		for line := range strings.Lines(table) {
			if n := len([]rune(strings.TrimSpace(line))); n > width && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
		if strings.Contains(table, "\x1b") {
			t.Error("colours without a colour terminal")
		}
		if got := p.table(style{width: width, color: true}); !strings.Contains(got, "\n\x1b[31m×\x1b[0m ") || strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[0m", "").Replace(got) != table {
			t.Errorf("with colours\n%s", got)
		}
	}
}

// TestProbeWait tries again until the server has started.
func TestProbeWait(t *testing.T) {
	var asked atomic.Int32
	server, config := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		emptyIndex(w, r)
	})
	sources := writeSources(t, server.URL)
	if stdout, stderr, code := run(nil, "probe", config, sources, "--system-roots", "None", "--wait", "10m"); code != 0 || asked.Load() != 2 {
		t.Errorf("exit code %d after %d requests\n%s%s", code, asked.Load(), stdout, stderr)
	}
	// The time is over before the second attempt has ended well.
	asked.Store(-1000)
	if stdout, stderr, code := run(nil, "probe", config, sources, "--system-roots", "None", "--wait", "1ms"); code != 1 || !strings.Contains(string(stdout), "HTTPStatus: HTTP 503") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestProbeFailOn lets CI stop at what cannot be known.
func TestProbeFailOn(t *testing.T) {
	server, config := serveTLS(t, emptyIndex)
	sources := writeSources(t, server.URL)
	text, err := os.ReadFile(sources)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "spec: {", "spec: {certSecretRef: {name: corp-tls}, ", 1))
	if err := os.WriteFile(sources, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for failOn, want := range map[string]int{"error": 0, "warning": 1} {
		stdout, stderr, code := run(nil, "probe", config, sources, "--system-roots", "None", "--fail-on", failOn)
		if code != want || !strings.Contains(string(stdout), "    SecretUnknown: Secret apps/corp-tls of certSecretRef is not known: it is not among the inputs\n") {
			t.Errorf("%s: exit code %d\n%s%s", failOn, code, stdout, stderr)
		}
	}
}
