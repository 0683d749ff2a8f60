package patches

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// operatorValues are values of the chart of flux-operator:
// https://github.com/controlplaneio-fluxcd/charts/tree/main/charts/flux-operator
type operatorValues struct {
	ExtraVolumes      []map[string]any `yaml:"extraVolumes"`
	ExtraVolumeMounts []map[string]any `yaml:"extraVolumeMounts"`
	ExtraEnvs         []map[string]any `yaml:"extraEnvs"`
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
	text, err := yaml.Marshal(operatorValues{ExtraVolumes: change.volumes, ExtraVolumeMounts: change.containers[0].VolumeMounts, ExtraEnvs: change.containers[0].Env})
	if err != nil {
		return "", fmt.Errorf("encoding the values: %w", err)
	}
	return "# The chart takes no marks: restart flux-operator after a change of the roots.\n" + strings.TrimSpace(string(text)) + "\n", nil
}
