//go:build linux

package e2e

import (
	"testing"
)

// TestClusterFluxRotation: a new root needs a new pod, and the digest on the template
// makes one. While both roots are in the bundle, the server may have either.
func TestClusterFluxRotation(t *testing.T) {
	c := newSourceCluster(t)
	old, next := c.private, newAuthority(t, "next")
	both := old.pem() + "\n" + next.pem()
	certificates := map[string]func(){
		"old":  func() { c.company.use(old.issue(t)) },
		"next": func() { c.company.use(next.issue(t)) },
	}
	files := installs(t)
	manifest := read(t, files[len(files)-1])

	// roll applies a bundle and restarts the pod, as the API server would have it:
	// when the template has another digest, which a comment does not give.
	roll := func(t *testing.T, bundle string) *running {
		t.Helper()
		before := c.generation(t)
		c.rollout(t, manifest, threeLines, bundle)
		if c.generation(t) == before {
			t.Fatal("the new bundle does not roll the Deployment")
		}
		after := c.generation(t)
		c.rollout(t, manifest, threeLines, "# a comment\n"+bundle)
		if c.generation(t) != after {
			t.Error("a comment rolls the Deployment")
		}
		return c.start(t)
	}
	c.rollout(t, manifest, "", old.pem())

	t.Run("the proxy changes first", func(t *testing.T) {
		certificates["old"]()
		p := roll(t, old.pem())
		p.is(t, c.repository, "")
		certificates["next"]()
		p.is(t, c.repository, unknownAuthority)
		// The kubelet brings the new root into the pod that runs, and it helps nobody.
		c.rollout(t, manifest, threeLines, next.pem())
		p.sync()
		p.is(t, c.repository, unknownAuthority)
	})
	t.Run("new pod", func(t *testing.T) {
		c.start(t).is(t, c.repository, "")
	})
	t.Run("both roots", func(t *testing.T) {
		p := roll(t, both)
		for _, use := range certificates {
			use()
			p.is(t, c.repository, "")
			p.is(t, c.chart, "")
		}
	})
	t.Run("the old root is gone", func(t *testing.T) {
		p := roll(t, next.pem())
		certificates["next"]()
		p.is(t, c.repository, "")
		certificates["old"]()
		p.is(t, c.repository, unknownAuthority)
	})
}

// generation counts the changes of the Deployment's spec.
func (n *node) generation(t *testing.T) int64 {
	t.Helper()
	return n.in(t).deployment().Generation
}
