package patches

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// operatorValues are values of the chart of flux-operator:
// https://github.com/controlplaneio-fluxcd/charts/tree/main/charts/flux-operator
type operatorValues struct {
	// CommonAnnotations reach the pod template, too, in every version of the chart.
	CommonAnnotations map[string]string `yaml:"commonAnnotations,omitempty"`
	ExtraVolumes      []map[string]any  `yaml:"extraVolumes,omitempty"`
	ExtraVolumeMounts []map[string]any  `yaml:"extraVolumeMounts,omitempty"`
	ExtraEnvs         []map[string]any  `yaml:"extraEnvs,omitempty"`
}

// printOperatorValues prints the change of flux-operator as values of its chart.
func printOperatorValues(r Request) (string, error) {
	if len(r.Patches) == 0 {
		return "{}\n", nil
	}
	change, err := r.Patches[0].change()
	if errors.Is(err, errOther) || err == nil && len(change.containers) != 1 {
		return "", fmt.Errorf("the chart of flux-operator has values for env, volumes and mounts alone; %w, or patch its Deployment: -o kustomization", errOther)
	}
	if err != nil {
		return "", err
	}
	c := change.containers[0]
	text, err := yaml.Marshal(operatorValues{CommonAnnotations: change.podAnnotations, ExtraVolumes: change.volumes, ExtraVolumeMounts: c.VolumeMounts, ExtraEnvs: c.Env})
	if err != nil {
		return "", fmt.Errorf("encoding the values: %w", err)
	}
	note := "# A new root restarts flux-operator when you give it the values that are printed then.\n"
	switch {
	case len(change.volumes) == 0:
		note = ""
	case change.podAnnotations[v1alpha1.DigestAnnotation] == "":
		note = "# The roots are not known here: restart flux-operator after a change of them.\n"
	}
	return note + strings.TrimSpace(string(text)) + "\n", nil
}
