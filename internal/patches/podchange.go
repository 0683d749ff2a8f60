package patches

import (
	"errors"
	"fmt"
	"maps"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// podChange is what of a patch can be said without a patch of kustomize: values of a
// chart, or an admission policy.
type podChange struct {
	annotations, podAnnotations map[string]string
	volumes                     []map[string]any
	containers                  []containerChange
}

type containerChange struct {
	Name         string           `yaml:"name"`
	Env          []map[string]any `yaml:"env"`
	VolumeMounts []map[string]any `yaml:"volumeMounts"`
	// Other is what the patch changes besides.
	Other map[string]any `yaml:",inline"`
}

// errOther says that a patch changes more than a podChange.
var errOther = errors.New("use the method Directory or File, without extras")

// change reads the patch. It fails with errOther where it changes more.
func (p Patch) change() (podChange, error) {
	var body struct {
		Metadata struct {
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"metadata"`
		Spec struct {
			Template struct {
				Metadata struct {
					Annotations map[string]string `yaml:"annotations"`
				} `yaml:"metadata"`
				Spec struct {
					Containers []containerChange `yaml:"containers"`
					Volumes    []map[string]any  `yaml:"volumes"`
					Other      map[string]any    `yaml:",inline"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal([]byte(p.Body), &body); err != nil {
		return podChange{}, fmt.Errorf("reading the patch: %w", err)
	}
	template := body.Spec.Template
	change := podChange{
		annotations: body.Metadata.Annotations, podAnnotations: template.Metadata.Annotations,
		volumes: template.Spec.Volumes, containers: template.Spec.Containers,
	}
	other := len(template.Spec.Other)
	for _, c := range change.containers {
		other += len(c.Other)
		for _, e := range c.Env { // null takes a field out, which is not there where the entry is new
			maps.DeleteFunc(e, func(_ string, value any) bool { return value == nil })
		}
	}
	if other > 0 || p.Target.Kind != "Deployment" {
		return podChange{}, errOther
	}
	return change, nil
}
