package kustomization

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"

	"fluxtrust.dev/flux-trust/internal/installer"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// Files of a folder that flux bootstrap writes.
const (
	componentsFile = "gotk-components.yaml"
	syncFile       = "gotk-sync.yaml"
)

// newKustomization is what flux bootstrap would write:
// https://fluxcd.io/flux/installation/configuration/boostrap-customization/
const newKustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- " + componentsFile + "\n- " + syncFile + "\n"

// standInMore is what patches of users may refer to in a controller, beside what the
// function looks at.
const standInMore = `spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: manager
        args: [--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./, --watch-all-namespaces=true, --log-level=info, --log-encoding=json, --enable-leader-election]
        imagePullPolicy: IfNotPresent
        livenessProbe: {httpGet: {path: /healthz, port: healthz}}
        ports: [{containerPort: 8080, name: http-prom, protocol: TCP}, {containerPort: 9440, name: healthz, protocol: TCP}]
        readinessProbe: {httpGet: {path: /readyz, port: healthz}}
        resources: {limits: {cpu: 1000m, memory: 1Gi}, requests: {cpu: 100m, memory: 64Mi}}
      nodeSelector: {kubernetes.io/os: linux}
      priorityClassName: system-cluster-critical
      terminationGracePeriodSeconds: 10
`

// bootstrapFiles returns the files of flux bootstrap that the kustomization names and
// that are missing or empty.
func (f *folder) bootstrapFiles() ([]string, error) {
	var k types.Kustomization
	if err := k.Unmarshal(f.clean.bytes()); err != nil {
		return nil, fmt.Errorf("%s: %s", f.file, quote.Without(err.Error(), f.clean.bytes()))
	}
	var files []string
	for _, entry := range k.Resources {
		file := filepath.Join(f.dir, entry)
		if base := filepath.Base(file); base != componentsFile && base != syncFile {
			continue
		}
		data, err := stream.ReadRegular(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.created = append(f.created, file)
		case err != nil:
			return nil, err
		case len(bytes.TrimSpace(data)) > 0:
			continue
		}
		files = append(files, file)
	}
	return files, nil
}

// standIn returns the controllers among the inputs, or those of a stock install, in
// place of those that flux bootstrap is going to write.
func (f *folder) standIn() ([]byte, error) {
	if objects := f.selected(f.Inputs); len(objects) > 0 {
		return textOf(objects)
	}
	objects, err := installer.Deployments(f.Namespace)
	if err != nil {
		return nil, err
	}
	more, err := yaml.Parse(standInMore)
	if err != nil {
		return nil, err
	}
	for i, o := range objects {
		if objects[i], err = merge2.Merge(more, o, yaml.MergeOptions{}); err != nil {
			return nil, err
		}
	}
	return textOf(objects)
}

// textOf returns objects as documents.
func textOf(objects []*yaml.RNode) ([]byte, error) {
	var out strings.Builder
	for _, o := range objects {
		text, err := o.String()
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n" + text)
	}
	return []byte(out.String()), nil
}
