package command

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/patches"
)

// operatorPod is what a patch may change in flux-operator, and what the chart of
// flux-operator has values for.
type operatorPod struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Name         string `yaml:"name"`
					Env          []any  `yaml:"env"`
					VolumeMounts []any  `yaml:"volumeMounts"`
				} `yaml:"containers"`
				Volumes []any          `yaml:"volumes"`
				Other   map[string]any `yaml:",inline"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// operatorValues are values of the chart of flux-operator:
// https://github.com/controlplaneio-fluxcd/charts/tree/main/charts/flux-operator
type operatorValues struct {
	ExtraVolumes      []any `yaml:"extraVolumes"`
	ExtraVolumeMounts []any `yaml:"extraVolumeMounts"`
	ExtraEnvs         []any `yaml:"extraEnvs"`
}

// printOperatorValues prints the change of flux-operator as values of its chart.
func printOperatorValues(made []patches.Patch) (string, error) {
	if len(made) == 0 {
		return "{}\n", nil
	}
	var pod operatorPod
	if err := yaml.Unmarshal([]byte(made[0].Body), &pod); err != nil {
		return "", fmt.Errorf("reading the patch of flux-operator: %w", err)
	}
	spec := pod.Spec.Template.Spec
	if len(spec.Other) > 0 || len(spec.Containers) != 1 {
		return "", errors.New("the chart of flux-operator has values for env, volumes and mounts alone; use the method Directory or File, without extras, " +
			"or patch its Deployment: -o kustomization")
	}
	text, err := yaml.Marshal(operatorValues{ExtraVolumes: spec.Volumes, ExtraVolumeMounts: spec.Containers[0].VolumeMounts, ExtraEnvs: spec.Containers[0].Env})
	if err != nil {
		return "", fmt.Errorf("encoding the values: %w", err)
	}
	return "# The chart takes no marks: restart flux-operator after a change of the roots.\n" + strings.TrimSpace(string(text)) + "\n", nil
}
