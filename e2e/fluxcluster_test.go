//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The tests of this file run a real source-controller against a real API server, and
// against Helm repositories on 127.0.0.1 with a private CA.

const (
	bundleName = "z-scaler-ca"
	bundleKey  = "Company-Root-CA.crt"
	threeLines = configHead + "  caBundle:\n  - configMap: {name: " + bundleName + ", keys: [" + bundleKey + "]}\n"
)

// charts is a Helm repository whose one archive is on another host, with another
// certificate.
type charts struct {
	server, archive *httptest.Server
	current         atomic.Pointer[tls.Certificate] // of the server
	fetched         atomic.Int32                    // how often somebody took the archive
}

func newCharts(t *testing.T, a authority) *charts {
	t.Helper()
	var chart bytes.Buffer
	zip := gzip.NewWriter(&chart)
	files := tar.NewWriter(zip)
	const text = "apiVersion: v2\nname: app\nversion: 0.1.0\n"
	if err := files.WriteHeader(&tar.Header{Name: "app/Chart.yaml", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	_, err := files.Write([]byte(text))
	for _, close := range []func() error{files.Close, zip.Close} {
		if e := close(); err == nil {
			err = e
		}
	}
	if err != nil {
		t.Fatal(err)
	}

	c := &charts{}
	host := a.issue(t, "localhost") // and not for 127.0.0.1
	c.archive = serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.fetched.Add(1)
		_, _ = w.Write(chart.Bytes())
	}), func() *tls.Certificate { return &host })
	_, port, _ := strings.Cut(strings.TrimPrefix(c.archive.URL, "https://"), ":")
	c.use(a.issue(t))
	c.server = serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  app:\n  - {apiVersion: v2, name: app, version: 0.1.0, urls: [\"https://localhost:%s/app-0.1.0.tgz\"]}\n", port)
	}), c.current.Load)
	return c
}

// use gives the server another certificate.
func (c *charts) use(certificate tls.Certificate) {
	c.current.Store(&certificate)
	if c.server != nil {
		c.server.CloseClientConnections()
	}
}

// watched is an object of Flux that is looked at when somebody asks.
func watched(apiVersion, kind, name string, spec object) object {
	spec["interval"] = "24h"
	return object{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": object{"name": name, "namespace": "apps"}, "spec": spec,
	}
}

// condition is the condition Ready of a Flux object.
type condition struct{ status, message string }

// reconcile lets a controller look at an object now, and returns what it says.
func (p *running) reconcile(o object) condition {
	s := p.n.s
	s.t.Helper()
	asked := time.Now().Format(time.RFC3339Nano)
	s.await("annotate "+id(o), func() error {
		r := s.do(http.MethodPatch, s.path(o), "application/merge-patch+json",
			object{"metadata": object{"annotations": object{"reconcile.fluxcd.io/requestedAt": asked}}})
		if r.code != http.StatusOK {
			return fmt.Errorf("%d %s", r.code, r.message())
		}
		return nil
	})
	var ready condition
	s.await("reconcile "+id(o), func() error {
		r := s.do(http.MethodGet, s.path(o), "", nil)
		var now struct {
			Status struct {
				LastHandledReconcileAt string
				Conditions             []struct{ Type, Status, Message string }
			}
		}
		p.n.stored(s.path(o), &now)
		for _, c := range now.Status.Conditions {
			if c.Type == "Ready" && c.Status != "Unknown" && now.Status.LastHandledReconcileAt == asked {
				ready = condition{c.Status, c.Message}
				return nil
			}
		}
		return fmt.Errorf("%s\n%s", r.text, p.log())
	})
	return ready
}

// is holds the condition of an object against what is expected: "", or the error.
func (p *running) is(t *testing.T, o object, failure string) {
	t.Helper()
	got := p.reconcile(o)
	if failure == "" && got.status != "True" || failure != "" && (got.status != "False" || !strings.Contains(got.message, failure)) {
		t.Errorf("%s: Ready=%s: %s; want %q", id(o), got.status, got.message, failure)
	}
}

// crds are those in the module of a controller; the tool may have a version behind
// its name.
func crds(t *testing.T, tool string) []object {
	t.Helper()
	name := regexp.MustCompile(`-[0-9.]+$`).ReplaceAllString(tool, "")
	out, err := exec.Command("go", "list", "-C", "../tools/"+tool, "-m", "-f", "{{.Dir}}", "github.com/fluxcd/"+name).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "config/crd/bases/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no CRDs: %v", out, err)
	}
	var objects []object
	for _, f := range files {
		objects = append(objects, parse(t, read(t, f), "")...)
	}
	return objects
}

// configMapOf is the ConfigMap of a bundle.
func configMapOf(bundle string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + bundleName + "\n  namespace: flux-system\ndata:\n  " + bundleKey +
		": |\n    " + strings.ReplaceAll(bundle, "\n", "\n    ") + "\n"
}

// rollout applies a bundle and a controller: with a config as the function makes it,
// without one as it was.
func (n *node) rollout(t *testing.T, manifest, config, bundle string) {
	t.Helper()
	n = n.in(t)
	stream := strings.TrimSuffix(manifest, "\n") + "\n---\n" + configMapOf(bundle)
	if config != "" {
		b := newBuild(t, config, stream)
		stream = b.ok(program(t, "FLUX_TRUST"), "config.yaml", "flux.yaml")
	}
	applied := 0
	for _, o := range parse(t, stream, "flux-system") {
		if kind, name := text(o, "kind"), text(o, "metadata", "name"); kind == "Deployment" && name == n.name || kind == "ConfigMap" && name == bundleName {
			n.s.mustApply(o)
			applied++
		}
	}
	if applied != 2 {
		t.Fatalf("%d objects were applied", applied)
	}
}

// startFluxServer starts an API server with the CRDs of a controller.
func startFluxServer(t *testing.T, controller, host string) *apiServer {
	t.Helper()
	program(t, variableOf(controller)) // first, to skip before anything starts
	s := startAPIServerAt(t, host)
	s.restrict([]object{
		{"kind": "Namespace", "metadata": object{"name": "apps"}}, {"kind": "Namespace", "metadata": object{"name": "flux-system"}},
	})
	s.mustApply(crds(t, controller)...)
	return s
}

// sourceCluster is an API server with sources, and a node for source-controller.
type sourceCluster struct {
	*node
	company, elsewhere *charts
	private            authority
	// Of the company, its chart, and what public roots vouch for.
	repository, chart, public object
}

func newSourceCluster(t *testing.T) *sourceCluster {
	t.Helper()
	storage := freeAddress(t)
	return newSourceClusterAt(t, "127.0.0.1", "--storage-addr="+storage, "--storage-adv-addr="+storage)
}

// newSourceClusterAt has the API server on another address of this machine. The flags are
// those of source-controller's artifact server.
func newSourceClusterAt(t *testing.T, host string, storage ...string) *sourceCluster {
	t.Helper()
	public, private := newAuthority(t, "public"), newAuthority(t, "private")
	s := startFluxServer(t, "source-controller", host)
	c := &sourceCluster{
		private: private, company: newCharts(t, private), elsewhere: newCharts(t, public),
		node: newNode(t, s, "source-controller", public, append([]string{"--events-addr=", "--metrics-addr=0", "--health-addr=0"}, storage...)...),
	}
	c.repository = watched("source.toolkit.fluxcd.io/v1", "HelmRepository", "company-charts", object{"url": c.company.server.URL})
	c.chart = watched("source.toolkit.fluxcd.io/v1", "HelmChart", "app", object{
		"chart": "app", "version": "0.1.0", "sourceRef": object{"kind": "HelmRepository", "name": "company-charts"},
	})
	c.public = watched("source.toolkit.fluxcd.io/v1", "HelmRepository", "public-charts", object{"url": c.elsewhere.server.URL})
	s.mustApply(c.repository, c.chart, c.public)
	return c
}

// installs are the manifests that the tests run: the example, and a real one where
// there is one.
func installs(t *testing.T) []string {
	t.Helper()
	return append([]string{filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml")}, corpusIfAny(t, "gotk/*v2.9.4.yaml")...)
}

// TestClusterFlux: source-controller does not trust the company as it is installed,
// and trusts it after each way to mount the root.
func TestClusterFlux(t *testing.T) {
	c := newSourceCluster(t)
	for _, file := range installs(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			manifest := read(t, file)
			t.Run("before", func(t *testing.T) {
				c.rollout(t, manifest, "", c.private.pem())
				p := c.start(t)
				p.is(t, c.repository, unknownAuthority)
				p.is(t, c.public, "")
			})
			for name, tc := range map[string]struct{ mount, public string }{
				"Directory":          {"{method: Directory}", ""},
				"Directory, Replace": {"{method: Directory, systemRoots: Replace}", unknownAuthority},
				"File":               {"{method: File}", ""},
				"InitContainer":      {"{method: InitContainer}", ""},
			} {
				t.Run(name, func(t *testing.T) {
					c.rollout(t, manifest, threeLines+"  mount: "+tc.mount+"\n", c.private.pem())
					before := c.company.fetched.Load()
					p := c.start(t)
					p.is(t, c.repository, "")
					p.is(t, c.chart, "") // its archive is at another host
					p.is(t, c.public, tc.public)
					if c.company.fetched.Load() == before {
						t.Error("nobody has fetched the archive")
					}
				})
			}
		})
	}
	t.Run("transcript", c.transcript)
}
