package flux

import "k8s.io/apimachinery/pkg/util/version"

// Go says how a controller reads certificates: crypto/x509 differs from version to
// version.
type Go struct {
	// Version is the minor version of Go that the controller is built with ("1.23").
	Version string
	// Language is the version in the go line of its go.mod, which chooses the defaults
	// of GODEBUG (https://go.dev/doc/godebug).
	Language string
}

// Build is a step from one Go to the next.
type Build struct {
	Go
	// Flux is the minor version with most of these controllers.
	Flux string
	// Since holds the first version of each controller that is built so.
	Since map[string]string
}

// Builds returns what the controllers are built with, the newest first: the go line of
// go.mod and GO_VERSION in the Dockerfile of each release, in the repositories
// fluxcd/<controller> and controlplaneio-fluxcd/flux-operator; the versions of Flux are
// those in manifests/bases of fluxcd/flux2. Flux 2.4 has Go 1.23, and the defaults of
// 1.22.
func Builds() []Build {
	const source, kustomize, helm, notification, reflector, automation, watcher = "source-controller", "kustomize-controller",
		"helm-controller", "notification-controller", "image-reflector-controller", "image-automation-controller", "source-watcher"
	return []Build{
		{Go{"1.27", "1.27"}, "2.10", map[string]string{source: "1.10.0", kustomize: "1.10.0", notification: "1.10.0"}},
		{Go{"1.26", "1.26"}, "2.8", map[string]string{
			source: "1.8.0", kustomize: "1.8.0", helm: "1.5.0", notification: "1.8.0", reflector: "1.1.0", automation: "1.1.0", watcher: "2.1.0", Operator: "0.42.0",
		}},
		{Go{"1.25", "1.25"}, "2.7", map[string]string{
			source: "1.7.0", kustomize: "1.7.0", helm: "1.4.0", notification: "1.7.0", reflector: "1.0.0", automation: "1.0.0", watcher: "2.0.0", Operator: "0.28.0",
		}},
		{Go{"1.24", "1.24"}, "2.6", map[string]string{
			source: "1.6.0", kustomize: "1.6.0", helm: "1.3.0", notification: "1.6.0", reflector: "0.35.0", automation: "0.41.0", watcher: "1.3.0", Operator: "0.15.0",
		}},
		{Go{"1.23", "1.23"}, "2.5", map[string]string{
			source: "1.5.0", kustomize: "1.5.0", helm: "1.2.0", notification: "1.4.0", reflector: "0.34.0", automation: "0.40.0", watcher: "1.2.0", Operator: "0.11.0",
		}},
		{Go{"1.23", "1.22"}, "2.4", map[string]string{
			source: "1.4.0", kustomize: "1.4.0", helm: "1.1.0", reflector: "0.33.0", automation: "0.39.0", Operator: "0.8.0",
		}},
		{Go{"1.22", "1.22"}, "2.3", map[string]string{
			source: "1.3.0", kustomize: "1.3.0", helm: "1.0.0", notification: "1.3.0", reflector: "0.32.0", automation: "0.38.0", watcher: "1.1.0", Operator: "0.0.1",
		}},
		{Go{"1.21", "1.21"}, "2.2", map[string]string{
			source: "1.2.0", kustomize: "1.2.2", helm: "0.37.3", notification: "1.2.1", reflector: "0.31.2", automation: "0.37.1",
		}},
		{Go{"1.20", "1.20"}, "2.0", map[string]string{
			source: "1.0.0", kustomize: "1.0.0", helm: "0.35.0", notification: "1.0.0", reflector: "0.29.0", automation: "0.35.0", watcher: "1.0.0",
		}},
	}
}

// GoOf returns the Go that a version of a controller is built with: for a release newer
// than those that are known, that of the newest. One older than Flux 2.0 is not known.
func GoOf(controller string, v *version.Version) (Go, bool) {
	for _, b := range Builds() {
		if since, ok := b.Since[controller]; ok && v.AtLeast(version.MustParseSemantic(since)) {
			return b.Go, true
		}
	}
	return Go{}, false
}

// Go returns what the controllers whose versions are known are built with, by their
// name and version: "source-controller 1.4.1".
func (v Versions) Go() map[string]Go {
	found := map[string]Go{}
	for _, name := range Names() {
		if v[name] == nil {
			continue
		}
		if g, ok := GoOf(name, v[name]); ok {
			found[name+" "+v[name].String()] = g
		}
	}
	return found
}
