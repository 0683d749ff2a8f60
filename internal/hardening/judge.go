package hardening

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"

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
	// Excepted are the containers that were left alone.
	Excepted []string `json:"excepted,omitempty"`
}

// policyVersion is the version of the Pod Security Standards that pods are
// judged by. It is that of the newest Kubernetes release the evaluator knows.
func policyVersion() api.LevelVersion {
	const major, minor = 1, 37
	return api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(major, minor)}
}

// NewEvaluator returns the judge of Judge. It takes a millisecond or two to make.
func NewEvaluator() (policy.Evaluator, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, fmt.Errorf("the Pod Security evaluator cannot start: %w", err)
	}
	return evaluator, nil
}

// Judge holds the pod template against the Pod Security admission's own
// evaluator, and reports what remains after the hardening: one warning per check.
func (p *Pod) Judge(evaluator policy.Evaluator) (*Verdict, error) {
	template, unknown, err := decode(p.Template)
	if err != nil {
		return nil, err
	}
	for _, path := range unknown {
		p.Report.Add(framework.Warning, krm.Change{Path: path}, "Kubernetes %s has no such field (names are case-sensitive): the API server ignores or refuses it; correct or remove it", policyVersion().Version)
	}
	v := &Verdict{Policy: policyVersion().String(), Excepted: p.Excepted}
	setHostPorts(&template.Spec)
	setPrintableNames(template)
	if p.openShift() {
		v.Policy += ", SCC " + sccName
		setPlatformDefaults(&template.Spec)
	}
	for _, result := range evaluator.EvaluatePod(policyVersion(), &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			verdict := policy.AggregateCheckResults([]policy.CheckResult{result})
			p.refused(v, "Pod Security "+policyVersion().String(), verdict.ForbiddenDetail(), p.leftAt(result.ForbiddenReason))
		}
	}
	if p.openShift() {
		for _, detail := range judgeSCC(&template.Spec) {
			p.refused(v, "the SCC "+sccName, detail, p.Spec.Path)
		}
	}
	return v, nil
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

// refused reports what an admission refuses still.
func (p *Pod) refused(v *Verdict, by, detail, path string) {
	detail = quote.Quoted(detail)
	v.Violations = append(v.Violations, detail)
	note := ""
	if len(v.Excepted) > 0 {
		note = " (left alone by exceptContainers: " + strings.Join(quote.Each(quote.Name, v.Excepted), ", ") + ")"
	}
	if p.Report.Validate {
		p.Report.Differs(krm.Change{Path: path}, fmt.Sprintf("%s: refused by %s%s", detail, by, note))
		return
	}
	p.Report.Add(framework.Warning, krm.Change{Path: path}, "%s: refused by %s; left as it is, because the pod may need it%s", detail, by, note)
}

// leftAt returns the field that a check of the evaluator is about: the first
// that was left for it, else the pod.
func (p *Pod) leftAt(reason string) string {
	if paths := p.left[reason]; len(paths) > 0 {
		return paths[0]
	}
	return p.Spec.Path
}
