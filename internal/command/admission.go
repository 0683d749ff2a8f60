package command

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/patches"
)

// admissionBody is what of a patch an admission policy can express.
type admissionBody struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec struct {
		Template struct {
			Metadata struct {
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec struct {
				Containers []struct {
					Name         string           `yaml:"name"`
					Env          []map[string]any `yaml:"env"`
					VolumeMounts []map[string]any `yaml:"volumeMounts"`
					Other        map[string]any   `yaml:",inline"`
				} `yaml:"containers"`
				Volumes []map[string]any `yaml:"volumes"`
				Other   map[string]any   `yaml:",inline"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

// printAdmissionPolicy prints a MutatingAdmissionPolicy that makes the change when
// a Deployment is applied, and a ValidatingAdmissionPolicy that refuses those which
// it could not change:
// https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
//
// The mutations are JSON patches with guards: an apply configuration may not set
// lists that are atomic, such as the sources of a projected volume.
func printAdmissionPolicy(owner, namespace string, made []patches.Patch) (string, error) {
	const cannot = "an admission policy changes env, volumes, mounts and annotations of stock controllers alone; use the method Directory or File, without extras"
	if len(made) != 1 {
		return "", errors.New(cannot)
	}
	var body admissionBody
	if err := yaml.Unmarshal([]byte(made[0].Body), &body); err != nil {
		return "", fmt.Errorf("reading the patch: %w", err)
	}
	pod := body.Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.Other)+len(pod.Containers[0].Other) > 0 {
		return "", errors.New(cannot)
	}
	container := pod.Containers[0]
	const spec = "object.spec.template.spec"
	const at = "'/spec/template/spec/containers/' + string(variables.manager) + '"
	var mutations []string
	add := func(expressions ...string) { mutations = append(mutations, expressions...) }
	add(annotationPatches("object.metadata", "Object.metadata", "/metadata", body.Metadata.Annotations)...)
	add(annotationPatches("object.spec.template.metadata", "Object.spec.template.metadata", "/spec/template/metadata", body.Spec.Template.Metadata.Annotations)...)
	add(listPatches(spec+".volumes", "'/spec/template/spec/volumes", "name", pod.Volumes)...)
	add(listPatches("variables.container.volumeMounts", at+"/volumeMounts", "mountPath", container.VolumeMounts)...)
	add(listPatches("variables.container.env", at+"/env", "name", container.Env)...)

	var foreign, complete []string
	for _, e := range container.Env {
		foreign = append(foreign, fmt.Sprintf("(e.name == %s && (!has(e.value) || e.value != %s))", cel(e["name"]), cel(e["value"])))
	}
	for _, v := range pod.Volumes {
		complete = append(complete, fmt.Sprintf("v.name == %s", cel(v["name"])))
	}
	own := "true"
	if len(foreign) > 0 {
		own = spec + ".containers.all(c, c.name != 'MANAGER' || !has(c.env) || !c.env.exists(e, " + strings.Join(foreign, " || ") + "))"
	}
	own = strings.ReplaceAll(own, "MANAGER", container.Name)
	return strings.NewReplacer("NAMESPACE", namespace, "NAME", "flux-trust-"+owner, "OWNER", owner,
		"PATTERN", strings.ReplaceAll(made[0].Target.Name, `\`, `\\`),
		"MUTATIONS", strings.Join(mutations, " +\n        "), "FOREIGN", own,
		"COMPLETE", strings.Join(complete, " || "), "MANAGER", container.Name).Replace(admissionPolicy), nil
}

// annotationPatches sets annotations, and makes the mapping where there is none.
func annotationPatches(owner, object, path string, annotations map[string]string) []string {
	var out []string
	if len(annotations) > 0 {
		out = append(out, fmt.Sprintf("(has(%s) && has(%s.annotations) ? [] : [JSONPatch{op: 'add', path: '%s/annotations', value: %s.annotations{}}])", owner, owner, path, object))
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		out = append(out, fmt.Sprintf("[JSONPatch{op: 'add', path: '%s/annotations/' + jsonpatch.escapeKey(%s), value: %s}]", path, cel(key), cel(annotations[key])))
	}
	return out
}

// listPatches replaces the entries of a list that are there by their key, and
// appends the others. The path is the beginning of a string in CEL.
func listPatches(list, path, key string, entries []map[string]any) []string {
	var out []string
	if len(entries) > 0 {
		out = append(out, fmt.Sprintf("(has(%s) ? [] : [JSONPatch{op: 'add', path: %s', value: dyn([])}])", list, path))
	}
	for _, e := range entries {
		id := cel(e[key])
		out = append(out, fmt.Sprintf("(has(%s) && %s.exists(e, e.%s == %s)\n          ? [JSONPatch{op: 'replace', path: %s/' + string(%s.map(e, e.%s).indexOf(%s)), value: %s}]\n          : [JSONPatch{op: 'add', path: %s/-', value: %s}])",
			list, list, key, id, path, list, key, id, cel(e), path, cel(e)))
	}
	return out
}

// cel writes a value as CEL. Its literals hold values of one type, or dyn.
func cel(value any) string {
	switch v := value.(type) {
	case map[string]any:
		fields := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, cel(key)+": dyn("+cel(v[key])+")")
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = "dyn(" + cel(v[i]) + ")"
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// stockControllers selects what is a controller of Flux by name, label and container.
// Both policies must mean the same Deployments.
const stockControllers = `  matchConstraints:
    resourceRules:
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments]
  matchConditions:
  - name: flux-controller
    expression: >-
      object.metadata.name.matches('PATTERN') && has(object.metadata.labels) &&
      (object.metadata.labels[?'app.kubernetes.io/part-of'].orValue('') == 'flux' ||
      object.metadata.labels[?'app.kubernetes.io/name'].orValue('') == 'flux-operator') &&
      object.spec.template.spec.containers.exists(c, c.name == 'MANAGER')
`

// admissionPolicy leaves alone what is no controller of Flux by name, label and
// container, and what has roots of its own, which the second policy refuses.
const admissionPolicy = `# Needs Kubernetes 1.36. Apply it before Flux; apply it anew when the roots change, and
# restart the controllers. To take it out: kubectl delete -f this file, then apply the
# manifests of Flux again.
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: NAME
spec:
  failurePolicy: Fail # no controller starts without the roots because of a mistake here
  reinvocationPolicy: IfNeeded
` + stockControllers + `  - name: no-roots-of-its-own
    expression: >-
      FOREIGN
  variables:
  - name: manager
    expression: object.spec.template.spec.containers.map(c, c.name).indexOf('MANAGER')
  - name: container
    expression: object.spec.template.spec.containers[variables.manager]
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: |-
        MUTATIONS
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: NAME
spec:
  policyName: NAME
  matchResources:
    namespaceSelector:
      matchLabels: {kubernetes.io/metadata.name: NAMESPACE}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: NAME
spec:
  failurePolicy: Fail
` + stockControllers + `  validations:
  - expression: has(object.spec.template.spec.volumes) && object.spec.template.spec.volumes.exists(v, COMPLETE)
    message: this controller of Flux would not trust the CA bundle of FluxTrust OWNER; take its own SSL_CERT_DIR or SSL_CERT_FILE out
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: NAME
spec:
  policyName: NAME
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchLabels: {kubernetes.io/metadata.name: NAMESPACE}
`
