//go:build linux

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestClusterFluxImages: the same for image-reflector-controller, and a registry.
func TestClusterFluxImages(t *testing.T) {
	s := startFluxServer(t, "image-reflector-controller", "127.0.0.1")
	private := newAuthority(t, "private")
	registry := private.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			_, _ = w.Write([]byte(`{"name": "app", "tags": ["1.0.0"]}`))
		}
	}))
	images := watched("image.toolkit.fluxcd.io/v1", "ImageRepository", "app", object{"image": strings.TrimPrefix(registry, "https://") + "/app"})
	s.mustApply(images)
	n := newNode(t, s, "image-reflector-controller", newAuthority(t, "public"), "--events-addr=", "--metrics-addr=0", "--health-addr=0")
	for _, file := range installs(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			for _, tc := range []struct{ name, config, failure string }{
				{"before", "", unknownAuthority},
				{"after", threeLines, ""},
			} {
				t.Run(tc.name, func(t *testing.T) {
					n.rollout(t, read(t, file), tc.config, private.pem())
					n.start(t).is(t, images, tc.failure)
				})
			}
		})
	}
}
