package installer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// Stock is an install of Flux that is not in the stream.
type Stock struct {
	// Namespaces of the controllers, now and before a build tool changed it.
	Namespaces []string
	// Components that are installed, or may be.
	Components []string
	// OpenShift is set where the platform sets the securityContext.
	OpenShift bool
}

// StockOf returns what an object installs.
func StockOf(i *inventory.Installer) Stock {
	return Stock{Namespaces: i.Namespaces, Components: i.Components, OpenShift: i.OpenShift}
}

// stockDeployment is a controller as every release of Flux has it, as far as the
// function looks: the container, its securityContext, and where something is
// mounted. The image is left out, because it differs from release to release.
const stockDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{NAME}}
  namespace: {{NAMESPACE}}
  labels: {app.kubernetes.io/component: {{NAME}}, app.kubernetes.io/part-of: flux}
spec:
  selector: {matchLabels: {app: {{NAME}}}}
  template:
    metadata:
      labels: {app: {{NAME}}}
      annotations: {prometheus.io/port: "8080", prometheus.io/scrape: "true"}
    spec:
      containers:
      - name: manager
        env: [{name: RUNTIME_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
        volumeMounts: [{{MOUNTS}}]
      volumes: [{{VOLUMES}}]
      securityContext: {fsGroup: 1337}
`

// volume is an emptyDir of a controller.
type volume struct{ Name, Path string }

// stockVolumes returns the volumes of a controller.
func stockVolumes(controller string) []volume {
	switch controller {
	case "source-controller", "source-watcher":
		return []volume{{"data", "/data"}, {"tmp", "/tmp"}}
	case "image-reflector-controller":
		return []volume{{"temp", "/tmp"}, {"data", "/data"}}
	default:
		return []volume{{"temp", "/tmp"}}
	}
}

// deployment returns a stock controller. flux-operator leaves out on OpenShift what the
// platform sets.
func (s Stock) deployment(controller string) (*inventory.Workload, error) {
	var mounts, volumes []string
	for _, v := range stockVolumes(controller) {
		mounts = append(mounts, fmt.Sprintf("{name: %s, mountPath: %s}", v.Name, v.Path))
		volumes = append(volumes, fmt.Sprintf("{name: %s, emptyDir: {}}", v.Name))
	}
	// text/template would keep the linker from leaving out unused methods.
	text := strings.NewReplacer("{{NAME}}", controller, "{{NAMESPACE}}", strconv.Quote(s.Namespaces[0]),
		"{{MOUNTS}}", strings.Join(mounts, ", "), "{{VOLUMES}}", strings.Join(volumes, ", ")).Replace(stockDeployment)
	n, err := yaml.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the stock Deployment of %s: %w", controller, err)
	}
	if s.OpenShift {
		pod := krm.Field{Node: n.YNode()}.Get("spec", "template", "spec")
		pod.Remove("securityContext")
		for _, c := range pod.Items("containers") {
			c.Get("securityContext").Remove("runAsNonRoot")
			c.Get("securityContext").Remove("seccompProfile")
		}
	}
	object := krm.NewObject(n.YNode(), nil)
	object.Namespaces = s.Namespaces
	return inventory.Of([]*krm.Object{object}, &v1alpha1.Controllers{}).Workloads[0], nil
}

// Deployments returns the controllers of Flux as a stock install has them, as far as
// the function looks.
func Deployments(namespace string) ([]*yaml.RNode, error) {
	var found []*yaml.RNode
	for _, name := range flux.Names() {
		w, err := Stock{Namespaces: []string{namespace}}.deployment(name)
		if err != nil {
			return nil, err
		}
		found = append(found, yaml.NewRNode(w.Object.Before.Node))
	}
	return found, nil
}

// deployments returns the stock controllers of an install that a config is about.
func (s Stock) deployments(c *v1alpha1.Controllers) ([]*inventory.Workload, error) {
	var found []*inventory.Workload
	for _, name := range flux.Names() {
		if !slices.Contains(s.Components, name) || !inventory.Includes(c, name) {
			continue
		}
		w, err := s.deployment(name)
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	return found, nil
}
