package transformer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// stock is an install of Flux that is not in the stream: flux-operator or Helm
// makes it from an object.
type stock struct {
	// namespaces of the controllers, now and before a build tool changed it.
	namespaces []string
	// components that are installed, or may be.
	components []string
	// openShift tells that the platform sets the securityContext.
	openShift bool
}

// stockDeployment is a controller as every release of Flux has it, as far as the
// function looks: the container, its securityContext, and where something is
// mounted. The image is left out, because it differs from release to release.
const stockDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  namespace: %[2]q
  labels: {app.kubernetes.io/component: %[1]s, app.kubernetes.io/part-of: flux}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {prometheus.io/port: "8080", prometheus.io/scrape: "true"}
    spec:
      containers:
      - name: manager
        env: [{name: RUNTIME_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
%[5]s        volumeMounts: [%[3]s]
      volumes: [%[4]s]
%[6]s`

// What flux-operator leaves out on OpenShift, of the container and of the pod.
const (
	stockContainer = `          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
`
	stockPod = `      securityContext: {fsGroup: 1337}
`
)

func (s stock) deployment(controller string) (*yaml.RNode, error) {
	volumes := []mount{{Name: "temp", MountPath: "/tmp"}}
	switch controller {
	case "source-controller", "source-watcher":
		volumes = []mount{{Name: "data", MountPath: "/data"}, {Name: "tmp", MountPath: "/tmp"}}
	case "image-reflector-controller":
		volumes = append(volumes, mount{Name: "data", MountPath: "/data"})
	}
	var mounts, emptyDirs []string
	for _, v := range volumes {
		mounts = append(mounts, fmt.Sprintf("{name: %s, mountPath: %s}", v.Name, v.MountPath))
		emptyDirs = append(emptyDirs, fmt.Sprintf("{name: %s, emptyDir: {}}", v.Name))
	}
	container, pod := stockContainer, stockPod
	if s.openShift {
		container, pod = "", ""
	}
	n, err := yaml.Parse(fmt.Sprintf(stockDeployment, controller, s.namespaces[0], strings.Join(mounts, ", "), strings.Join(emptyDirs, ", "), container, pod))
	if err != nil {
		return nil, fmt.Errorf("the stock Deployment of %s: %w", controller, err)
	}
	return n, nil
}

// stockPatches returns the patches for the controllers of a stock install that
// the config is about, one for all that change in the same way.
func (t *transform) stockPatches(s stock, report krm.Report) ([]patches.Patch, error) {
	if s.openShift {
		// What is added must not ask for more than the platform gives.
		defer func(config *v1alpha1.FluxTrust) { t.config = config }(t.config)
		adapted := *t.config
		adapted.Spec.SecurityContext.Profile = v1alpha1.OpenShift
		t.config = &adapted
	}
	var changes []patches.Change
	for _, name := range flux.Names() {
		if !slices.Contains(s.components, name) {
			continue
		}
		t.seen[name] = true
		if !t.includes(name) {
			continue
		}
		before, err := s.deployment(name)
		if err != nil {
			return nil, err
		}
		after := before.Copy()
		if err := t.applyToStock(after, s, report); errors.Is(err, errUnusable) {
			return nil, err
		} else if err != nil { // the field is none of the object that the results name
			return nil, fmt.Errorf("the %s that it installs: %s", quote.Name(name), err.Error())
		}
		changes = append(changes, patches.Change{Before: before.YNode(), After: after.YNode(), Stock: true})
	}
	if len(changes) == 0 {
		return nil, nil
	}
	if t.config.Spec.Mount.Method != v1alpha1.None {
		if err := t.checkReferences(s.namespaces); err != nil {
			return nil, err
		}
		t.namespaces[s.namespaces[0]] = true
	}
	return patches.Of(t.config.Metadata.Name, changes)
}

// applyToStock changes a stock Deployment. What there is to say about it is no
// news, unless something is wrong.
func (t *transform) applyToStock(object *yaml.RNode, s stock, r krm.Report) error {
	root := krm.Field{Node: object.YNode()}
	w, err := read(manifest{resource: root, object: root, kind: v1alpha1.Deployment})
	if err != nil {
		return err
	}
	w.namespaces = s.namespaces
	results := framework.Results{}
	aside := r
	if aside.Ref == nil {
		aside = r.Of(w.object, nil)
	}
	aside.Results, aside.Validate = &results, false
	d := &deployment{workload: w, report: aside, Editor: &krm.Editor{}, controllers: []int{0}}
	if err := d.apply(t); err != nil {
		return err
	}
	for _, result := range results {
		if result.Severity != framework.Info {
			*r.Results = append(*r.Results, result)
		}
	}
	return nil
}

// checkReferences refuses objects whose name the build changes: kustomize follows
// a new name into objects, never into the text of a patch.
func (t *transform) checkReferences(namespaces []string) error {
	if t.followsNames {
		return nil
	}
	for i, e := range t.config.Spec.CABundle {
		var err error
		switch at := fmt.Sprintf("spec.caBundle[%d]", i); {
		case e.ConfigMap != nil:
			err = t.checkReference(at+".configMap.name", configMapKind, e.ConfigMap.Name, namespaces)
		case e.Secret != nil:
			err = t.checkReference(at+".secret.name", secretKind, e.Secret.Name, namespaces)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *transform) checkReference(at, kind, name string, namespaces []string) error {
	p := t.provider(kind, name, namespaces)
	if p == nil || p.names[0] == name && !p.hashed {
		return nil
	}
	how := "gets a hash suffix"
	if p.names[0] != name {
		how = "is called " + quote.Name(p.names[0]) + " by now"
	}
	return &krm.FieldError{Path: at, Message: fmt.Sprintf("%s %s %s, and no build tool changes a name inside a patch; "+
		"give its generator the option disableNameSuffixHash: true and no prefix, or put the certificates into the config: inline", kind, name, how)}
}

// StockDeployments returns the controllers of Flux as a stock install has them, as far
// as the function looks.
func StockDeployments(namespace string) ([]*yaml.RNode, error) {
	var found []*yaml.RNode
	for _, name := range flux.Names() {
		n, err := stock{namespaces: []string{namespace}}.deployment(name)
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}
