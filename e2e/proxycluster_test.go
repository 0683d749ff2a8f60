//go:build linux

package e2e

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newAddress gives this machine another address until the end of the test, and returns it:
// Go reaches 127.0.0.1 without a proxy whatever NO_PROXY says. It is of the networks for
// tests of RFC 2544. Where the machine takes none, 127.0.0.1 is returned.
func newAddress(t *testing.T) string {
	t.Helper()
	address := fmt.Sprintf("198.18.%d.%d", os.Getpid()>>8&255, os.Getpid()&255)
	added := run(t, ".", "sh", "-c", `ip address add "$0/32" dev lo`, address)
	if added.code != 0 {
		t.Logf("SKIPPED: an API server at an address for which NO_PROXY counts, because this machine takes none (ip address add: %s); it is at 127.0.0.1", strings.TrimSpace(added.stderr))
		return "127.0.0.1"
	}
	t.Cleanup(func() {
		if removed := run(t, ".", "ip", "address", "del", address+"/32", "dev", "lo"); removed.code != 0 {
			t.Errorf("%s stays on this machine: %s", address, removed.stderr)
		}
	})
	return address
}

// TestClusterProxy: the real source-controller, with the env and the files of the
// Deployment that spec.proxy gives, fetches an index through a real proxy, from a host
// whose name the proxy alone knows; and asks it for nothing else: not for the API server,
// though that has an address like any other, and what fetches its artifacts with the same
// env does not ask for it, either.
func TestClusterProxy(t *testing.T) {
	d := newDebian(t)
	host := newAddress(t)
	storage := freeAddressOf(t, host)
	c := newSourceClusterAt(t, host, "--storage-addr="+storage)
	inspector := newAuthority(t, "Corp TLS Inspection Root")
	proxy := d.squid(inspector)
	behind := newCharts(t, d.bundle)
	behind.use(d.bundle.issue(t, "charts.corp.test", "closed.corp.test"))
	_, port, _ := strings.Cut(strings.TrimPrefix(behind.server.URL, "https://"), ":")
	charts := func(name string) object {
		return watched("source.toolkit.fluxcd.io/v1", "HelmRepository", name, object{"url": (&url.URL{Scheme: "https", Host: name + ".corp.test:" + port}).String()})
	}
	open, closed := charts("charts"), charts("closed")
	c.s.mustApply(open, closed, object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "corp-proxy", "namespace": "flux-system"},
		"stringData": object{"address": strings.Replace(proxy, "://", "://"+url.UserPassword(proxyUser, proxyPassword).String()+"@", 1)},
	})
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	both := c.private.pem() + "\n" + inspector.pem()
	for name, tc := range map[string]struct{ config, bundle, open, closed string }{
		"without the proxy":    {"", both, "charts.corp.test", "closed.corp.test"},
		"without its root":     {"  proxy: {https: " + proxy + "}\n", c.private.pem(), unknownAuthority, "Proxy Authentication Required"},
		"with both":            {"  proxy: {https: " + proxy + ", http: " + proxy + "}\n", both, "", "Proxy Authentication Required"},
		"with negative serial": {"  proxy: {https: " + proxy + "}\n  extras: {acceptNegativeSerials: true}\n", both, "", "Proxy Authentication Required"},
		"with a password":      {"  proxy: {secretRef: {name: corp-proxy}}\n", both, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.rollout(t, manifest, threeLines+tc.config, tc.bundle)
			p := c.start(t)
			p.is(t, open, tc.open)
			p.is(t, closed, tc.closed)
			p.is(t, c.repository, "") // on 127.0.0.1, and the API server gets to know it
			p.is(t, c.chart, "")
			if failure, status := ask(t, p.besides(storage), p.artifact(c.repository)); status != "200" {
				t.Errorf("its artifact server: %s%s", failure, status)
			}
		})
	}
	if squid := d.asked(); !strings.Contains(squid, "CONNECT charts.corp.test:"+port) || !strings.Contains(squid, "CONNECT closed.corp.test:"+port) {
		t.Errorf("nobody has asked the proxy:\n%s", squid)
	} else {
		for line := range strings.Lines(squid) {
			if !strings.Contains(line, "charts.corp.test") && !strings.Contains(line, "closed.corp.test") {
				t.Errorf("the proxy was asked for something else: %s", line)
			}
		}
	}
	t.Run("without NO_PROXY", func(t *testing.T) { c.withoutNoProxy(t, d, manifest, proxy, storage) })
}

// withoutNoProxy is what spec.proxy is there for: with the variables of a proxy alone,
// the same controller asks the proxy for the API server, and what fetches its artifacts for
// its Service.
func (c *sourceCluster) withoutNoProxy(t *testing.T, d *debian, manifest, proxy, storage string) {
	t.Helper()
	if strings.HasPrefix(storage, "127.0.0.1:") {
		t.Skip("SKIPPED: the API server is at 127.0.0.1, see above")
	}
	by := fmt.Sprintf("        env:\n        - {name: HTTPS_PROXY, value: %q}\n        - {name: HTTP_PROXY, value: %[1]q}\n", proxy)
	bare := strings.ReplaceAll(manifest, "        env:\n", by)
	if bare == manifest {
		t.Fatal("the controllers have no env")
	}
	b := newBuild(t, threeLines+"  controllers: {include: [source-controller]}\n", bare+"\n---\n"+configMapOf(c.private.pem()))
	if told := b.must(program(t, "FLUX_TRUST"), "config.yaml", "flux.yaml").stderr; !strings.Contains(told, "sends what is inside the cluster through the proxy: NO_PROXY lacks") {
		t.Errorf("no warning of it: %s", told)
	}
	c.rollout(t, bare, "", c.private.pem())
	p := c.start(t)
	server := "CONNECT " + strings.TrimPrefix(c.s.url, "https://")
	d.await("the API server through the proxy", func() error {
		if squid := d.asked(); !strings.Contains(squid, server) {
			return fmt.Errorf("no %s in\n%s\n%s", server, squid, p.log())
		}
		return nil
	})
	p.stop()
	const service, asked = "http://source-controller.flux-system.svc.cluster.local./index.yaml", " GET http://source-controller.flux-system.svc.cluster.local/index.yaml "
	if failure, status := ask(t, p.besides(storage), service); status == "200" || !strings.Contains(d.asked(), asked) {
		t.Errorf("its artifact server was not asked for: %s%s\n%s", failure, status, d.asked())
	}
}

// asked returns the lines of squid's log with what it was asked for: the test looks whether
// it listens, and asks for nothing.
func (d *debian) asked() string {
	d.t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(read(d.t, d.path("access.log"))) {
		if strings.Contains(line, " CONNECT ") || strings.Contains(line, "://") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// besides returns the environment of a controller that runs beside this one, as far as it
// says through what it reaches others: one that finds source-controller's Service.
func (p *running) besides(storage string) []string {
	env := []string{"E2E_SERVICE=" + storage}
	for name, value := range p.m.env(p.m.controller()) {
		if strings.HasSuffix(name, "_PROXY") {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// artifact returns where the controller says that it serves what it has fetched for an
// object.
func (p *running) artifact(o object) string {
	p.n.s.t.Helper()
	var now struct {
		Status struct{ Artifact struct{ URL string } }
	}
	p.n.stored(p.n.s.path(o), &now)
	address := now.Status.Artifact.URL
	if !strings.HasPrefix(address, "http://source-controller.flux-system.svc.cluster.local./") {
		p.n.s.t.Fatalf("%s is served at %s", id(o), cmp.Or(address, "no address"))
	}
	return address
}
