package installer

import (
	"errors"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// A HelmRelease of the chart flux-operator is changed as the Deployment that the chart
// makes would be: the values that the chart puts there are seen as that Deployment, and
// what has become of it goes back into the values. The marks stand on the HelmRelease.

// moved says which value of the chart stands where in the Deployment.
type moved struct {
	value string
	at    []string
	// inContainer tells that it stands in the container.
	inContainer bool
}

// movedValues: https://github.com/controlplaneio-fluxcd/charts/tree/main/charts/flux-operator
func movedValues() []moved {
	template := []string{"spec", "template"}
	return []moved{
		{"commonAnnotations", append(slices.Clone(template), "metadata", "annotations"), false},
		{"extraVolumes", append(slices.Clone(template), "spec", "volumes"), false},
		{"extraVolumeMounts", []string{"volumeMounts"}, true},
		{"extraEnvs", []string{"env"}, true},
	}
}

// operatorDeployment is what the chart makes of its values, as far as the function looks.
const operatorDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: flux-operator
  labels: {app.kubernetes.io/name: flux-operator}
spec:
  selector: {}
  template:
    spec:
      containers:
      - name: manager
`

// Operator returns the Deployment of a HelmRelease of the chart flux-operator.
func Operator(i *inventory.Installer, c *v1alpha1.Controllers) (*inventory.Workload, error) {
	n, err := yaml.Parse(operatorDeployment)
	if err != nil {
		return nil, err
	}
	root := krm.Field{Node: n.YNode()}
	from := i.Object.Before.Loose()
	put := func(to krm.Field, key string, f krm.Field) {
		if f.Exists() {
			to.Put(key, yaml.CopyYNode(f.Node))
		}
	}
	put(root.Get("metadata"), "annotations", from.Get("metadata", "annotations"))
	values := from.Get(i.Kind.Patches...)
	for _, m := range movedValues() {
		to, last := root, len(m.at)-1
		if m.inContainer {
			to = root.Items("spec", "template", "spec", "containers")[0]
		}
		if f := values.Get(m.value); f.Exists() {
			put(to.Ensure(m.at[:last]...), m.at[last], f)
		}
	}
	object := krm.NewObject(root.Node, i.Object.File)
	object.Namespaces = i.Namespaces
	return inventory.Of([]*krm.Object{object}, c).Workloads[0], nil
}

// PutOperator puts what has become of the Deployment into the values, and returns the
// findings about it as those about the HelmRelease.
func PutOperator(i *inventory.Installer, w *inventory.Workload, told krm.Findings) krm.Findings {
	if err := w.Object.Err(); err != nil {
		if failure, ok := w.Object.Failure(err); ok && !errors.Is(err, krm.ErrReported) {
			err = &krm.FieldError{Code: failure.Code, Path: valuePath(i, failure.Path), Message: failure.Message}
		}
		i.Object.Fail(err)
		return nil
	}
	if w.Changed() {
		after, root := w.Object.After().Loose(), i.Object.Edit()
		set(root.Get("metadata"), "annotations", after.Get("metadata", "annotations"))
		for _, m := range movedValues() {
			f := after
			if m.inContainer {
				f = after.Items("spec", "template", "spec", "containers")[0]
			}
			if f = f.Get(m.at...); f.Exists() || root.Get(i.Kind.Patches...).Exists() {
				set(root.Ensure(i.Kind.Patches...), m.value, f)
			}
		}
		root.Get("spec").RemoveEmpty("values", true)
	}
	for n := range told {
		if told[n].Object == w.Object {
			told[n].Object, told[n].Path = i.Object, valuePath(i, told[n].Path)
		}
	}
	return told
}

// set makes a key of a mapping another one's value, or takes it out with that.
func set(to krm.Field, key string, f krm.Field) {
	have := to.Get(key)
	switch {
	case !f.Exists() && have.Exists():
		to.Remove(key)
	case f.Exists() && (!have.Exists() || !krm.Equal(have.Node, f.Node)):
		to.Put(key, yaml.CopyYNode(f.Node))
	}
}

// valuePath returns where in the HelmRelease a field of the Deployment stands.
func valuePath(i *inventory.Installer, path string) string {
	for _, m := range movedValues() {
		at := strings.Join(m.at, ".")
		if m.inContainer {
			at = "spec.template.spec.containers.[name=manager]." + at
		}
		if rest, ok := strings.CutPrefix(path, at); ok {
			return strings.Join(i.Kind.Patches, ".") + "." + m.value + rest
		}
	}
	return path
}

// HiddenValues says why the values of a HelmRelease of the chart flux-operator cannot be
// written: Helm replaces lists, and another place has, or may have, some.
func HiddenValues(i *inventory.Installer, stores *inventory.Stores, method v1alpha1.Method) (krm.Finding, bool) {
	finding := krm.Finding{Object: i.Object, Severity: krm.Warning, Code: codes.HidesPatches}
	if method == v1alpha1.InitContainerMethod {
		finding.Code, finding.Difference = codes.TakesNoPatches, krm.At("spec.values")
		finding.Message = "is left alone: the chart of " + flux.Operator + " has no value for an init container; give it the method Directory, in a config of its own"
		return finding, true
	}
	values := i.Object.Before.Loose().Get(i.Kind.Patches...)
	for _, ref := range i.Object.Before.Loose().Items("spec", "valuesFrom") {
		kind, name, key := ref.Peek("kind"), ref.Peek("name"), ref.Peek("valuesKey")
		if key == "" {
			key = valuesKey
		}
		what := kind + " " + quote.Name(name)
		finding.Difference = krm.At(ref.Path)
		if target, _, _ := strings.Cut(ref.Peek("targetPath"), "["); target != "" {
			if slices.ContainsFunc(movedValues(), func(m moved) bool { return strings.HasPrefix(target, m.value) }) {
				finding.Message = "is left alone: " + what + " sets " + quote.Word(target) + ", which the values of flux-trust would replace; move it into spec.values"
				return finding, true
			}
			continue
		}
		s, _ := stores.Find(kind, name, i.Object.Namespaces)
		if s == nil || s.Unknown != "" || s.UnknownValue(s.Values[key]) != "" {
			if declared(values) {
				continue // which hides the others as it is
			}
			finding.Message = "is left alone: " + what + " is not known here, and may hold lists that those of flux-trust would hide, since Helm replaces lists; put it into the stream, " +
				"or write extraEnvs, extraVolumes and extraVolumeMounts into spec.values, if only as empty lists"
			return finding, true
		}
		n, err := yaml.Parse(string(s.Values[key].Text))
		if err != nil || yaml.IsMissingOrNull(n) {
			continue
		}
		other := krm.Field{Node: n.YNode()}
		for _, m := range movedValues()[1:] {
			if other.Get(m.value).Exists() && !values.Get(m.value).Exists() {
				finding.Message = "is left alone: " + what + " holds " + m.value + ", which that of flux-trust would hide, since Helm replaces lists; move it into spec.values"
				return finding, true
			}
		}
	}
	return finding, false
}

// declared reports whether values have every list.
func declared(values krm.Field) bool {
	return !slices.ContainsFunc(movedValues()[1:], func(m moved) bool { return !values.Get(m.value).Exists() })
}
