package hardening

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/policy"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Verdict is what the Pod Security admission says of a controller.
type Verdict struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Policy is the level and version, such as restricted:v1.37.
	Policy string `json:"policy"`
	// Violations are the evaluator's own words; none means admitted.
	Violations []string `json:"violations,omitempty"`
	// Excepted are the containers that the config leaves alone.
	Excepted []string `json:"excepted,omitempty"`

	// unknown are the paths of the fields that Kubernetes does not know.
	unknown    []string
	violations []violation
}

// violation is what one check refuses.
type violation struct {
	code krm.Code
	// path of the first field that the check is about, or of the pod.
	path string
	// by names the admission: the Pod Security Standard, or an SCC.
	by string
	// detail is in the words of the admission.
	detail string
}

func (v *Verdict) refuse(by violation) {
	by.detail = quote.Quoted(by.detail)
	v.Violations = append(v.Violations, by.detail)
	v.violations = append(v.violations, by)
}

// Judge holds a pod template, as it stands, against the checks of the Pod Security
// admission, and on OpenShift against the SCC that every user may use. It fails for
// a pod template that the API server would not read.
func Judge(template krm.Field, config *v1alpha1.SecurityContext) (*Verdict, error) {
	return judgeBy(rules(), template, config)
}

// judgeBy judges by all checks; the rules say where in the pod a check looks.
func judgeBy(rules []rule, template krm.Field, config *v1alpha1.SecurityContext) (*Verdict, error) {
	pod, unknown, err := decode(template)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Policy: standard(), Excepted: Excepted(template, config), unknown: unknown}
	spec := template.Loose().Get("spec")
	setPrintableNames(pod)
	setHostPorts(&pod.Spec)
	var refused []string
	if onOpenShift(config) {
		v.Policy += ", SCC " + sccName
		refused = judgeSCC(&pod.Spec)
		setPlatformDefaults(&pod.Spec)
	}
	for _, c := range checks() {
		result := c.pod(&pod.ObjectMeta, &pod.Spec)
		if result.Allowed {
			continue
		}
		verdict := policy.AggregateCheckResults([]policy.CheckResult{result})
		v.refuse(violation{path: c.leftIn(spec, rules), by: "Pod Security " + standard(), detail: verdict.ForbiddenDetail(), code: codes.RefusedByPodSecurity})
	}
	for _, f := range forbiddenOnWindows(spec) {
		v.refuse(violation{path: f.Path, by: "Kubernetes", detail: strings.TrimPrefix(f.Path, spec.Path+".") + " cannot be set for a windows pod", code: codes.RefusedForWindows})
	}
	for _, detail := range refused {
		v.refuse(violation{path: spec.Path, by: "the SCC " + sccName, detail: detail, code: codes.RefusedBySCC})
	}
	return v, nil
}

// leftIn returns the first field that the check is about and that the hardening
// leaves, else the pod.
func (c check) leftIn(spec krm.Field, rules []rule) string {
	for _, r := range rules {
		if r.id != c.id || r.left == nil {
			continue
		}
		if left := r.left(spec, c.refuses); len(left) > 0 {
			return left[0].Path
		}
	}
	return spec.Path
}

// Excepted returns the names of the containers that the config leaves alone.
func Excepted(template krm.Field, config *v1alpha1.SecurityContext) []string {
	var names []string
	for _, key := range []string{"initContainers", "containers"} {
		for _, c := range template.Loose().Items("spec", key) {
			if name := c.Text("name"); slices.Contains(config.ExceptContainers, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Findings tells of the violations: of a pod that was hardened as what is left, with
// a warning, of one that is validated as an error.
func (v *Verdict) Findings(about *krm.Object, severity krm.Severity) krm.Findings {
	var found krm.Findings
	for _, path := range v.unknown {
		found.Add(krm.Warning, codes.UnknownField, about, krm.At(path),
			"Kubernetes %s has no such field (names are case-sensitive): the API server ignores or refuses it; correct or remove it", version())
	}
	note := ""
	if len(v.Excepted) > 0 {
		note = " (left alone by exceptContainers: " + strings.Join(quote.Each(quote.Name, v.Excepted), ", ") + ")"
	}
	for _, r := range v.violations {
		left := "; left as it is, because the pod may need it"
		switch {
		case r.code == codes.RefusedForWindows:
			left = "; remove it"
		case severity == krm.Error:
			left = ""
		}
		found.Add(severity, r.code, about, krm.At(r.path), "%s: refused by %s%s%s", r.detail, r.by, left, note)
	}
	return found
}

// setHostPorts fills in what the API server fills in before it judges a pod: on the
// network of the host, every port is one of the host.
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/v1/defaults.go
func setHostPorts(pod *corev1.PodSpec) {
	if !pod.HostNetwork {
		return
	}
	for _, containers := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for _, c := range containers {
			for i := range c.Ports {
				if c.Ports[i].HostPort == 0 {
					c.Ports[i].HostPort = c.Ports[i].ContainerPort
				}
			}
		}
	}
}

// setPrintableNames takes out of a template what the evaluator repeats without quotes:
// names that no admission allows.
func setPrintableNames(template *corev1.PodTemplateSpec) {
	if security := template.Spec.SecurityContext; security != nil {
		for i, s := range security.Sysctls {
			security.Sysctls[i].Name = quote.Key(s.Name)
		}
	}
	annotations := make(map[string]string, len(template.Annotations))
	for key, value := range template.Annotations {
		if prefix, name, ok := strings.Cut(key, "/"); ok {
			key = prefix + "/" + quote.Key(name)
		}
		annotations[key] = value
	}
	template.Annotations = annotations
}
