package installer

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

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
// flux-operator leaves out on OpenShift what the platform sets.
const stockDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{.Name}}
  namespace: {{printf "%q" .Namespace}}
  labels: {app.kubernetes.io/component: {{.Name}}, app.kubernetes.io/part-of: flux}
spec:
  selector: {matchLabels: {app: {{.Name}}}}
  template:
    metadata:
      labels: {app: {{.Name}}}
      annotations: {prometheus.io/port: "8080", prometheus.io/scrape: "true"}
    spec:
      containers:
      - name: manager
        env: [{name: RUNTIME_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
{{- if not .OpenShift}}
          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
{{- end}}
        volumeMounts: [{{range $i, $v := .Volumes}}{{if $i}}, {{end}}{name: {{$v.Name}}, mountPath: {{$v.Path}}}{{end}}]
      volumes: [{{range $i, $v := .Volumes}}{{if $i}}, {{end}}{name: {{$v.Name}}, emptyDir: {}}{{end}}]
{{- if not .OpenShift}}
      securityContext: {fsGroup: 1337}
{{- end}}
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

// deployment returns a stock controller.
func (s Stock) deployment(controller string) (*inventory.Workload, error) {
	var text strings.Builder
	err := template.Must(template.New("stock").Parse(stockDeployment)).Execute(&text, struct {
		Name, Namespace string
		OpenShift       bool
		Volumes         []volume
	}{controller, s.Namespaces[0], s.OpenShift, stockVolumes(controller)})
	if err != nil {
		return nil, fmt.Errorf("the stock Deployment of %s: %w", controller, err)
	}
	n, err := yaml.Parse(text.String())
	if err != nil {
		return nil, fmt.Errorf("the stock Deployment of %s: %w", controller, err)
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
