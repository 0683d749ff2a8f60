package processor

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const list = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig:
  apiVersion: fluxtrust.dev/v1alpha1
  kind: FluxTrust
  metadata: {name: ca}
  spec:
    mode: MODE
    caBundle:
    - configMap: {name: corp-ca, keys: [ca.crt]}
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: source-controller
    annotations: {config.kubernetes.io/path: flux/gotk.yaml, config.kubernetes.io/index: '3'}
  spec:
    selector: {matchLabels: {app: source-controller}}
    template:
      metadata: {labels: {app: source-controller}}
      spec:
        containers:
        - {name: manager, image: 'ghcr.io/fluxcd/source-controller:v1.7.0', securityContext: {privileged: true}}
results:
- {message: of another function, severity: info}
`

// run runs the processor as a function of kyaml's framework does.
func run(mode string) (string, *Processor, error) {
	var out bytes.Buffer
	p := &Processor{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	err := framework.Execute(p, &kio.ByteReadWriter{Reader: strings.NewReader(strings.Replace(list, "MODE", mode, 1)), Writer: &out})
	return out.String(), p, err
}

func TestProcess(t *testing.T) {
	out, p, err := run("Transform")
	if err != nil {
		t.Fatal(err)
	}
	if p.Outcome.Changed != 1 || !strings.Contains(out, "SSL_CERT_DIR") || !strings.Contains(out, "severity: warning") {
		t.Error(out)
	}
}

func TestProcessFails(t *testing.T) {
	out, _, err := run("Validate")
	if !errors.Is(err, ErrResults) && (err == nil || !strings.Contains(err.Error(), ErrResults.Error())) {
		t.Error(err)
	}
	if strings.Contains(out, "SSL_CERT_DIR=") || !strings.Contains(out, "severity: error") {
		t.Error(out)
	}
}

// TestSameResults holds results to the bytes that those of kyaml's framework have.
func TestSameResults(t *testing.T) {
	for _, mode := range []string{"Transform", "Validate", "Wrong"} {
		_, p, _ := run(mode)
		var theirs framework.Results
		ours := p.Outcome.Results()
		for _, r := range ours {
			theirs = append(theirs, result(r))
		}
		for name, marshal := range map[string]func(any) ([]byte, error){"YAML": yaml.Marshal, "JSON": json.Marshal} {
			got, err := marshal(ours)
			if err != nil {
				t.Fatal(err)
			}
			want, err := marshal(theirs)
			if err != nil {
				t.Fatal(err)
			}
			if len(ours) == 0 || !bytes.Equal(got, want) {
				t.Errorf("%s, %s:\n%s\nwant\n%s", mode, name, got, want)
			}
		}
	}
}
