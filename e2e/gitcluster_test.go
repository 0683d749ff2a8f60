//go:build linux

package e2e

import (
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"strings"
	"testing"
)

// TestClusterGit: what the real source-controller makes of a CA in the Secret of a
// GitRepository, where flux bootstrap --ca-file leaves one: it trusts that beside the roots
// that it has. So a root that is old does no harm there once the bundle is in the pod, and
// without the bundle it has to be the right one.
func TestClusterGit(t *testing.T) {
	c := newSourceCluster(t)
	path := strings.TrimSpace(run(t, ".", "git", "--exec-path").stdout)
	backend := &cgi.Handler{
		Path: filepath.Join(path, "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + gitFolder(t), "GIT_HTTP_EXPORT_ALL=1"},
	}
	address := c.private.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "git" || password != "token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	repository := watched("source.toolkit.fluxcd.io/v1", "GitRepository", "fleet", object{
		"url": address + "/repo.git", "ref": object{"branch": "main"}, "secretRef": object{"name": "fleet"},
	})
	secret := func(ca string) object {
		data := map[string][]byte{"username": []byte("git"), "password": []byte("token")}
		if ca != "" {
			data["ca.crt"] = []byte(ca)
		}
		return object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "fleet", "namespace": "apps"}, "data": data}
	}
	c.s.mustApply(secret(""), repository)
	manifest := read(t, filepath.Join(examples, "quickstart/flux-system/gotk-components.yaml"))
	old := newAuthority(t, "the last root").pem()
	for name, tc := range map[string]struct{ config, ca, failure string }{
		"nothing":                   {"", "", unknownAuthority},
		"the Secret":                {"", c.private.pem(), ""},
		"the Secret, an old root":   {"", old, unknownAuthority},
		"the Secret, both":          {"", old + "\n" + c.private.pem(), ""},
		"the bundle":                {threeLines, "", ""},
		"the bundle, an old root":   {threeLines, old, ""},
		"the bundle and the Secret": {threeLines, c.private.pem(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.rollout(t, manifest, tc.config, c.private.pem())
			c.s.mustApply(secret(tc.ca))
			c.start(t).is(t, repository, tc.failure)
		})
	}
}
