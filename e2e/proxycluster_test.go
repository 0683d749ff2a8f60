//go:build linux

package e2e

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestClusterProxy: the real source-controller, with the env and the files of the
// Deployment that spec.proxy gives, fetches an index through a real proxy, from a host
// whose name the proxy alone knows; and asks it for nothing else, neither for the API
// server nor for its own artifacts.
func TestClusterProxy(t *testing.T) {
	d := newDebian(t)
	c := newSourceCluster(t)
	inspector := newAuthority(t, "Corp TLS Inspection Root")
	proxy := d.squid(inspector)
	behind := newCharts(t, d.bundle)
	behind.use(d.bundle.issue(t, "charts.corp.test"))
	_, port, _ := strings.Cut(strings.TrimPrefix(behind.server.URL, "https://"), ":")
	repository := watched("source.toolkit.fluxcd.io/v1", "HelmRepository", "behind", object{"url": (&url.URL{Scheme: "https", Host: "charts.corp.test:" + port}).String()})
	c.s.mustApply(repository)
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	both := c.private.pem() + "\n" + inspector.pem()
	for name, tc := range map[string]struct{ config, bundle, failure string }{
		"without the proxy":    {"", both, "charts.corp.test"},
		"without its root":     {"  proxy: {https: " + proxy + "}\n", c.private.pem(), unknownAuthority},
		"with both":            {"  proxy: {https: " + proxy + ", http: " + proxy + "}\n", both, ""},
		"with negative serial": {"  proxy: {https: " + proxy + "}\n  extras: {acceptNegativeSerials: true}\n", both, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.rollout(t, manifest, threeLines+tc.config, tc.bundle)
			p := c.start(t)
			p.is(t, repository, tc.failure)
			p.is(t, c.repository, "") // on 127.0.0.1, and the API server gets to know it
			p.is(t, c.chart, "")
		})
	}
	asked := read(t, d.path("access.log"))
	for line := range strings.Lines(asked) {
		asks := strings.Contains(line, " CONNECT ") || strings.Contains(line, "://") // or the test has looked whether it listens
		if asks && !strings.Contains(line, "charts.corp.test") {
			t.Errorf("the proxy was asked for something else: %s", line)
		}
	}
	if !strings.Contains(asked, "CONNECT charts.corp.test:"+port) {
		t.Error("nobody has asked the proxy")
	}
}
