package flux

import (
	"path"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// Operator installs the other controllers from a FluxInstance. It is no
// GitOps Toolkit component, so its labels differ.
const Operator = "flux-operator"

// manager is the name of the controller's container in every stock release.
const manager = "manager"

const partOf = "app.kubernetes.io/part-of"

// Names returns the controllers of Flux v2 by their component name, in the
// order in which Flux lists them.
func Names() []string {
	return []string{
		"source-controller",
		"kustomize-controller",
		"helm-controller",
		"notification-controller",
		"image-reflector-controller",
		"image-automation-controller",
		"source-watcher",
		Operator,
	}
}

// Components returns those that flux-operator installs: all but itself.
func Components() []string {
	return slices.DeleteFunc(Names(), func(name string) bool { return name == Operator })
}

// Workload is what can be seen of a Deployment.
type Workload struct {
	// Name of the Deployment, as it is now and as it was before a build tool
	// renamed it.
	Names []string
	// Labels of the Deployment and of its pod template.
	Labels, PodLabels map[string]string
	// Containers of the pod template, in their order.
	Containers []Container
}

// Container is what can be seen of a container.
type Container struct {
	// Name and Image as written; Image may be empty in a partial manifest.
	Name, Image string
}

// Match is a container that runs a Flux controller.
type Match struct {
	// Container is the index into Workload.Containers.
	Container int
	// Controller is one of Names.
	Controller string
}

// Find returns the containers of a workload that run a Flux v2 controller, or
// nothing when it is something else.
//
// No single mark is enough. Mirrors rename images, charts drop labels, prefixes
// rename Deployments, and other projects have a helm-controller, too. So a
// container counts when something says which controller it is (its image, else
// the component label or the name of the Deployment) and something else says
// that it belongs to Flux.
func Find(w Workload) []Match {
	var matches []Match
	for i, c := range w.Containers {
		name := byImage(c.Image)
		if name != "" && (w.isFlux() || ofFlux(c.Image) || w.component() == name || c.Name == manager && !w.isOther()) {
			matches = append(matches, Match{Container: i, Controller: name})
		}
	}
	if len(matches) > 0 || !w.isFlux() {
		return matches
	}
	if name := w.component(); name != "" {
		if i := w.container(manager, name); i >= 0 {
			return []Match{{Container: i, Controller: name}}
		}
		if len(w.Containers) == 1 {
			return []Match{{Container: 0, Controller: name}}
		}
		return nil
	}
	name := w.byName()
	if i := w.container(manager, name); name != "" && i >= 0 {
		return []Match{{Container: i, Controller: name}}
	}
	return nil
}

// Claimed returns the controller that the labels and the name say a workload is,
// whatever its containers are, or "".
func Claimed(w Workload) string {
	if !w.isFlux() {
		return ""
	}
	if name := w.component(); name != "" {
		return name
	}
	return w.byName()
}

// component returns the controller that the component label names.
func (w Workload) component() string {
	for _, labels := range []map[string]string{w.Labels, w.PodLabels} {
		if c := labels["app.kubernetes.io/component"]; slices.Contains(Names(), c) {
			return c
		}
	}
	return ""
}

// isFlux tells whether the labels say that a workload is a part of Flux. The
// labels under toolkit.fluxcd.io say nothing: Flux puts them on everything that
// it applies.
func (w Workload) isFlux() bool {
	for _, labels := range []map[string]string{w.Labels, w.PodLabels} {
		if labels[partOf] == "flux" || labels["app.kubernetes.io/name"] == Operator || labels["sharding.fluxcd.io/role"] != "" {
			return true
		}
	}
	return false
}

// isOther tells whether the labels say that a workload is a part of something
// else. Flux has control-plane: controller; kubebuilder gives every project
// controller-manager.
func (w Workload) isOther() bool {
	for _, labels := range []map[string]string{w.Labels, w.PodLabels} {
		if labels[partOf] != "" || labels["control-plane"] == "controller-manager" {
			return !w.isFlux()
		}
	}
	return false
}

// byName returns the controller that the name of the Deployment names, with a
// prefix (myrel-source-controller), a suffix (source-controller-shard1) or both.
func (w Workload) byName() string {
	for _, name := range Names() {
		for _, own := range w.Names {
			if strings.Contains("-"+own+"-", "-"+name+"-") {
				return name
			}
		}
	}
	return ""
}

// container returns the index of the first container with one of the names, or
// -1.
func (w Workload) container(names ...string) int {
	for _, name := range names {
		if i := slices.IndexFunc(w.Containers, func(c Container) bool { return c.Name == name }); i >= 0 {
			return i
		}
	}
	return -1
}

// byImage returns the controller that an image holds, in any registry, under
// any tag or digest.
func byImage(image string) string {
	name := path.Base(repository(image))
	name = strings.TrimPrefix(name, "fluxcd-")
	if slices.Contains(Names(), name) {
		return name
	}
	return ""
}

// HasShell tells whether an image has a shell, as far as is known: the images of
// flux-operator and those of distroless variants have none.
func HasShell(image string) bool {
	return byImage(image) != Operator && !strings.Contains(image, "distroless")
}

// User returns the user of an image, which is its group as well, or false where
// it is not known: a mirror keeps the image of the Flux project, and others who
// build the controllers choose for themselves.
// https://github.com/fluxcd/source-controller/blob/main/Dockerfile,
// https://github.com/controlplaneio-fluxcd/flux-operator/blob/main/Dockerfile
func User(image string) (string, bool) {
	switch name := byImage(image); {
	case name == "" || !ofFlux(image) || !HasShell(image) && name != Operator:
		return "", false
	case name == Operator:
		return "65532", true
	default:
		return "65534", true
	}
}

// ofFlux tells whether an image comes from a repository of the Flux project or
// a mirror that kept its name: registry.example.com/fluxcd/…, …/controlplaneio-fluxcd/….
func ofFlux(image string) bool {
	return slices.ContainsFunc(strings.Split(repository(image), "/"), func(segment string) bool {
		return segment == "fluxcd" || strings.HasPrefix(segment, "fluxcd-") || strings.HasSuffix(segment, "-fluxcd")
	})
}

// repository returns an image reference without its tag and digest. A colon
// before the last slash belongs to the port of the registry, one in ${…} to a
// default value.
func repository(image string) string {
	image = placeholder.Get().ReplaceAllString(image, "x")
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

// placeholder matches what Flux's substitution replaces.
var placeholder = pattern.Pattern{Text: `\$\{[^}]*\}`}
