package patches

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// A policy makes the change, or looks for it, when a Deployment is applied:
// https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
// https://kyverno.io/docs/policy-types/mutating-policy/
//
// The mutations are JSON patches: an apply configuration may not set lists that are
// atomic, such as the sources of a projected volume. What an earlier policy of the
// config, or the function, has written goes.

//go:embed templates
var templates embed.FS

// policy is a patch as expressions of CEL.
type policy struct {
	name, owner, pattern string
	namespaces           []string
	change               podChange
}

// printAdmissionPolicy prints a MutatingAdmissionPolicy, and a ValidatingAdmissionPolicy
// that refuses what it could not change.
func printAdmissionPolicy(r Request) (string, error) { return r.policies("admission-policy") }

// printValidatingPolicy prints a ValidatingAdmissionPolicy that warns.
func printValidatingPolicy(r Request) (string, error) { return r.policies("validating-policy") }

// printKyvernoPolicy prints a MutatingPolicy of Kyverno, and a ValidatingPolicy that
// refuses what it could not change.
func printKyvernoPolicy(r Request) (string, error) { return r.policies("kyverno") }

// policies prints a policy for each kind of change that controllers need.
func (r Request) policies(name string) (string, error) {
	if len(r.Patches) == 0 {
		return "", errors.New("the config changes nothing, so there is no policy")
	}
	var out strings.Builder
	for i, p := range acrossNamespaces(r.Patches) {
		change, err := p.change()
		if err != nil {
			return "", fmt.Errorf("an admission policy changes env, volumes, mounts and annotations of Deployments alone: %w", err)
		}
		one := policy{
			name: "flux-trust-" + r.Owner, owner: r.Owner, pattern: p.Target.Name, change: change,
			namespaces: Request{Namespace: r.Namespace, Patches: []Patch{p}}.namespaces(),
		}
		if i > 0 {
			one.name += fmt.Sprintf("-%d", i+1)
			out.WriteString("---\n")
		}
		text, err := one.print(name)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// print fills in a template, and the parts that templates share.
func (p policy) print(name string) (string, error) {
	in := "matchLabels: {kubernetes.io/metadata.name: " + p.namespaces[0] + "}"
	if len(p.namespaces) > 1 {
		in = "matchExpressions:\n- {key: kubernetes.io/metadata.name, operator: In, values: [" + strings.Join(p.namespaces, ", ") + "]}"
	}
	values := map[string]string{
		"name": p.name, "in": in, "namespaces": celList(p.namespaces), "selects": p.selects(), "free": p.isFree(),
		"variables": p.variables(), "mutations": p.mutations(), "validations": p.validations(),
	}
	for _, part := range []string{"selected", "binding"} {
		text, err := fill(part, values)
		if err != nil {
			return "", err
		}
		values[part] = strings.TrimSuffix(text, "\n")
	}
	return fill(name, values)
}

// fill puts values in the places of their names, each line of one as far to the right
// as the first. package text/template would keep the linker from leaving out unused
// methods: a quarter of the program.
func fill(name string, values map[string]string) (string, error) {
	text, err := templates.ReadFile("templates/" + name + ".yaml")
	if err != nil {
		return "", fmt.Errorf("a template is missing: %w", err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		before, rest, ok := strings.Cut(line, "{{")
		key, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = before + strings.ReplaceAll(values[key], "\n", "\n"+indent) + after
	}
	return strings.Join(lines, ""), nil
}

// acrossNamespaces joins patches that differ in nothing but their namespace.
func acrossNamespaces(list []Patch) []Patch {
	var found []Patch
	for _, p := range list {
		i := slices.IndexFunc(found, func(f Patch) bool {
			return f.Body == p.Body && f.Target.Name == p.Target.Name && f.Target.Kind == p.Target.Kind
		})
		if i < 0 {
			found = append(found, p)
			continue
		}
		found[i].Namespaces = slices.Concat(found[i].Namespaces, p.Namespaces)
	}
	return found
}

// spec is where the pod stands.
const spec = "object.spec.template.spec"

// selects is true for the Deployments that are meant: by name, label and container. A
// name that is still to be generated ends in any letter.
func (p policy) selects() string {
	var containers []string
	for _, c := range p.change.containers {
		containers = append(containers, spec+".containers.exists(c, c.name == "+cel(c.Name)+")")
	}
	return fmt.Sprintf(`(has(object.metadata.name) ? object.metadata.name : has(object.metadata.generateName) ? object.metadata.generateName + 'x' : '').matches(%s) &&
has(object.metadata.labels) &&
(object.metadata.labels[?'app.kubernetes.io/part-of'].orValue('') == 'flux' ||
object.metadata.labels[?'app.kubernetes.io/name'].orValue('') == 'flux-operator') &&
has(%s.containers) && type(%s.containers) == list &&
%s`, cel(p.pattern), spec, spec, strings.Join(containers, " &&\n"))
}

// isOurs is true where this config has changed the Deployment already, and there were
// no values of somebody else's that it has to give back.
func (p policy) isOurs() string {
	return fmt.Sprintf(`(has(object.metadata.annotations) &&
object.metadata.annotations[?'%s'].orValue('') == %s &&
object.metadata.annotations[?'%s'].orValue('{}').matches(%s))`,
		v1alpha1.ConfigAnnotation, cel(p.owner), v1alpha1.PreviousAnnotation, cel(`^[{]("[^"]*":[{]("[A-Z_]+":null,?)*[}],?)*[}]$`))
}

// isFree is true where nothing of somebody else's stands in the way: neither another
// config, nor a volume or values of its own, nor another volume at the path.
func (p policy) isFree() string {
	untouched := []string{
		"!(has(object.metadata.annotations) && " + cel(v1alpha1.ConfigAnnotation) + " in object.metadata.annotations)",
		fmt.Sprintf("(!has(%s.volumes) || %s.volumes.all(v, !(v.name in %s)))", spec, spec, celList(ownVolumes())),
	}
	var free []string
	for _, c := range p.change.containers {
		var values, paths []string
		for _, e := range c.Env {
			other := fmt.Sprintf("(!has(e.value) || e.value != %s)", cel(e["value"]))
			if _, literal := e["value"]; !literal {
				other = "!(" + celHas("e", e, 0) + ")"
			}
			values = append(values, fmt.Sprintf("e.name == %s && %s", cel(e["name"]), other))
		}
		for _, m := range c.VolumeMounts {
			path := strings.TrimRight(fmt.Sprint(m["mountPath"]), "/")
			paths = append(paths, path, path+"/")
		}
		if len(values) > 0 {
			untouched = append(untouched, fmt.Sprintf("%s.containers.all(c, c.name != %s || !has(c.env) || !c.env.exists(e, %s))", spec, cel(c.Name), strings.Join(values, " || ")))
		}
		free = append(free, fmt.Sprintf("%s.containers.all(c, c.name != %s || !has(c.volumeMounts) || c.volumeMounts.all(m,\n  m.name in %s || !(m.mountPath in %s)))",
			spec, cel(c.Name), celList(ownVolumes()), celList(paths)))
	}
	return "(" + p.isOurs() + " ||\n" + strings.Join(untouched, " &&\n") + ") &&\n" + strings.Join(free, " &&\n")
}

func ownVolumes() []string { return []string{v1alpha1.CAVolume, v1alpha1.BundleVolume} }

// variables are what the mutations refer to.
func (p policy) variables() string {
	var out []string
	add := func(name, expression string) {
		out = append(out, "- name: "+name, "  expression: >-", "    "+strings.ReplaceAll(expression, "\n", "\n    "))
	}
	list := func(name, at string) { add(name, fmt.Sprintf("has(%s) ? %s : []", at, at)) }
	add("ours", p.isOurs())
	add("previous", "has(object.metadata.annotations) ? object.metadata.annotations[?'"+v1alpha1.PreviousAnnotation+"'].orValue('') : ''")
	list("volumes", spec+".volumes")
	list("initContainers", spec+".initContainers")
	for i, c := range p.change.containers {
		at := fmt.Sprintf("%s.containers[variables.index%d]", spec, i)
		add(fmt.Sprintf("index%d", i), spec+".containers.map(c, c.name).indexOf("+cel(c.Name)+")")
		list(fmt.Sprintf("mounts%d", i), at+".volumeMounts")
		list(fmt.Sprintf("env%d", i), at+".env")
	}
	return strings.Join(out, "\n")
}

// mutations returns the JSON patches.
func (p policy) mutations() string {
	out := annotationPatches("object.metadata", "/metadata", p.change.annotations, v1alpha1.PreviousAnnotation)
	out = append(out, annotationPatches(strings.TrimSuffix(spec, "spec")+"metadata", "/spec/template/metadata", p.change.podAnnotations, v1alpha1.DigestAnnotation)...)
	isOwn := "x.name in " + celList(ownVolumes())
	out = append(out, listPatches("variables.volumes", "'/spec/template/spec/volumes", "name", p.change.volumes, isOwn)...)
	out = append(out, listPatches("variables.initContainers", "'/spec/template/spec/initContainers", "name", nil, "x.name == "+cel(v1alpha1.InitContainerName))...)
	for i, c := range p.change.containers {
		path := fmt.Sprintf("'/spec/template/spec/containers/' + string(variables.index%d) + '", i)
		out = append(out, listPatches(fmt.Sprintf("variables.mounts%d", i), path+"/volumeMounts", "mountPath", c.VolumeMounts, isOwn)...)
		out = append(out, listPatches(fmt.Sprintf("variables.env%d", i), path+"/env", "name", c.Env, `variables.previous.contains('"' + x.name + '":null')`)...)
	}
	return strings.Join(out, " +\n")
}

// annotationPatches sets annotations, makes the mapping where there is none, and takes
// one out that only an earlier run has written.
func annotationPatches(owner, path string, annotations map[string]string, mayGo string) []string {
	var out []string
	if len(annotations) > 0 {
		out = append(out,
			fmt.Sprintf("(has(%s) ? [] : [JSONPatch{op: 'add', path: '%s', value: {}}])", owner, path),
			fmt.Sprintf("(has(%s) && has(%s.annotations) ? [] : [JSONPatch{op: 'add', path: '%s/annotations', value: {}}])", owner, owner, path))
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		out = append(out, fmt.Sprintf("[JSONPatch{op: 'add', path: '%s/annotations/' + jsonpatch.escapeKey(%s), value: %s}]", path, cel(key), cel(annotations[key])))
	}
	if _, stays := annotations[mayGo]; !stays {
		out = append(out, fmt.Sprintf("(variables.ours && has(%s) && has(%s.annotations) && %s in %s.annotations\n  ? [JSONPatch{op: 'remove', path: '%s/annotations/' + jsonpatch.escapeKey(%s)}] : [])",
			owner, owner, cel(mayGo), owner, path, cel(mayGo)))
	}
	return out
}

// listPatches replaces the entries of a list that are there by their key, and appends
// the others. Entries that are stale, which only an earlier run has written, go last,
// from behind: until then every index stands. The path is the beginning of a string in
// CEL. An entry that is there cannot be part of a new list: the API server hands out
// values that have no JSON.
func listPatches(list, path, key string, entries []map[string]any, stale string) []string {
	var out, keys []string
	if len(entries) > 0 {
		out = append(out, fmt.Sprintf("(size(%s) > 0 ? [] : [JSONPatch{op: 'add', path: %s', value: []}])", list, path))
	}
	for _, e := range entries {
		id, value := cel(e[key]), cel(e)
		keys = append(keys, id)
		out = append(out,
			fmt.Sprintf("%s.transformList(i, x, x.%s == %s, JSONPatch{op: 'replace', path: %s/' + string(i), value: %s})", list, key, id, path, value),
			fmt.Sprintf("(%s.exists(x, x.%s == %s) ? [] : [JSONPatch{op: 'add', path: %s/-', value: %s}])", list, key, id, path, value))
	}
	return append(out, fmt.Sprintf("%s.transformList(i, x, variables.ours && %s && !(x.%s in [%s]), JSONPatch{op: 'remove', path: %s/' + string(i)}).reverse()",
		list, stale, key, strings.Join(keys, ", "), path))
}

// validations say that a controller trusts the bundle: the variables, the mounts, and
// what is mounted.
func (p policy) validations() string {
	var found []string
	add := func(what string, all []string) {
		if len(all) > 0 {
			lacks := "does not trust the CA bundle of"
			if len(p.change.volumes) == 0 {
				lacks = "is not what is asked for by"
			}
			message := fmt.Sprintf("this controller of Flux %s FluxTrust %s: %s", lacks, p.owner, what)
			found = append(found, "- expression: >-", "    "+strings.Join(all, " &&\n    "), "  message: "+strconv.Quote(message))
		}
	}
	var env, mounts, volumes, names []string
	for _, c := range p.change.containers {
		in := func(list, entry string) string {
			return fmt.Sprintf("%s.containers.exists(c, c.name == %s && has(c.%s) && c.%s.exists(x, %s))", spec, cel(c.Name), list, list, entry)
		}
		for _, e := range c.Env {
			env, names = append(env, in("env", celHas("x", e, 0))), append(names, needed(e))
		}
		for _, m := range c.VolumeMounts {
			mounts = append(mounts, in("volumeMounts", celHas("x", m, 0)))
		}
	}
	for _, v := range p.change.volumes {
		volumes = append(volumes, fmt.Sprintf("has(%s.volumes) && %s.volumes.exists(x, %s)", spec, spec, celHas("x", v, 0)))
	}
	slices.Sort(names)
	add("it needs the variable "+strings.Join(slices.Compact(names), ", and ")+"; take its own value out", env)
	add("it needs the volume "+v1alpha1.CAVolume+" as FluxTrust writes it", volumes)
	add("the volume "+v1alpha1.CAVolume+" is not mounted where it is needed", mounts)
	return strings.Join(found, "\n")
}

// needed says which value a variable must have, or where it must stand.
func needed(e map[string]any) string {
	if value, literal := e["value"]; literal {
		return fmt.Sprintf("%s to be %s", e["name"], value)
	}
	return fmt.Sprintf("%s from the Secret of spec.proxy", e["name"])
}
