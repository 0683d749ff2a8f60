package hardening

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// TestWrongTypes puts a value of a wrong type into every field that the hardening
// looks at. It is refused with the name of the field, or comes out as something that
// Kubernetes reads: never is it passed over.
func TestWrongTypes(t *testing.T) {
	security := []string{
		"", "runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "seccompProfile.type", "appArmorProfile", "appArmorProfile.type",
		"seLinuxOptions", "seLinuxOptions.type", "windowsOptions", "windowsOptions.hostProcess",
	}
	inContainer := []string{
		"privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "procMount", "capabilities", "capabilities.drop", "capabilities.add",
	}
	var paths []string
	entry := regexp.MustCompile(`\.?\[[^]]*\]`)
	for _, key := range slices.Concat(security, []string{"fsGroup", "sysctls", "supplementalGroupsPolicy"}) {
		paths = append(paths, strings.TrimSuffix("spec.template.spec.securityContext."+key, "."))
	}
	for _, key := range slices.Concat(security, inContainer) {
		paths = append(paths, strings.TrimSuffix("spec.template.spec.containers.[name=manager].securityContext."+key, "."))
	}
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC", "hostUsers", "volumes", "containers", "initContainers", "enableServiceLinks"} {
		paths = append(paths, "spec.template.spec."+key)
	}
	for _, key := range []string{"volumeMounts", "ports", "livenessProbe", "lifecycle", "name", "image"} {
		paths = append(paths, "spec.template.spec.containers.[name=manager]."+key)
	}
	paths = append(paths, "spec.template", "spec.template.metadata", "spec.template.metadata.annotations", "spec.template.spec")

	const extras = "hostUsers: false, supplementalGroupsPolicy: Strict, enableServiceLinks: false, emptyDirSizeLimit: 1Gi"
	for _, profile := range []string{
		"profile: Restricted, extras: {runAsUser: Image, appArmorProfile: RuntimeDefault, " + extras + "}",
		"profile: OpenShift, extras: {" + extras + "}",
		"profile: Restricted, exceptContainers: [manager]",
		"profile: OpenShift, exceptContainers: [manager]",
	} {
		config := configOf(t, profile)
		for _, path := range paths {
			for _, value := range []string{"[[]]", "{x: {}}", "[{name: {}}]", "text", "-1"} {
				t.Run(fmt.Sprintf("%s%s=%s", profile, path, value), func(t *testing.T) {
					deployment := strictest(config.Profile)
					set(t, deployment, strings.Split(path, "."), value)
					got := harden(config, deployment)
					at := (*krm.FieldError)(nil)
					switch {
					case errors.As(got.err, &at):
						named := entry.ReplaceAllString(at.Path, "[]")
						wanted := entry.ReplaceAllString(path, "[]")
						if !strings.HasPrefix(named, wanted) && !strings.HasPrefix(wanted, named) {
							t.Errorf("the error is about another field: %v", got.err)
						}
					case got.err != nil:
						t.Errorf("the error names no field: %v", got.err)
					default:
						var template struct {
							Spec struct{ Template corev1.PodTemplateSpec }
						}
						if err := yaml.Unmarshal([]byte(got.deployment.MustString()), &template); err != nil {
							t.Errorf("it was passed over, and Kubernetes refuses it: %v", err)
						}
					}
				})
			}
		}
	}
}
