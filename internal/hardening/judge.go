package hardening

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	cbor "k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	kubeyaml "sigs.k8s.io/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
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
	template, err := p.decodeTemplate()
	if err != nil {
		return nil, err
	}
	v := &Verdict{Policy: policyVersion().String(), Excepted: p.Excepted}
	setHostPorts(&template.Spec)
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

// refused reports what an admission refuses still.
func (p *Pod) refused(v *Verdict, by, detail, path string) {
	v.Violations = append(v.Violations, detail)
	note := ""
	if len(v.Excepted) > 0 {
		note = " (left alone by exceptContainers: " + strings.Join(v.Excepted, ", ") + ")"
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

// decodeTemplate returns the pod template as the API server would read it.
func (p *Pod) decodeTemplate() (*corev1.PodTemplateSpec, error) {
	template := &corev1.PodTemplateSpec{}
	if decodeNode(p.Template.Node, template) == nil {
		return template, nil
	}
	// The API server reads YAML 1.1, in which yes is true. That takes longer.
	text, err := yaml.NewRNode(p.Template.Node).String()
	if err != nil {
		return nil, p.Template.Errorf("cannot be judged: %v", err)
	}
	template = &corev1.PodTemplateSpec{}
	if err := kubeyaml.Unmarshal([]byte(text), template); err != nil {
		return nil, p.Template.Errorf("is not what Kubernetes expects: %v", err)
	}
	return template, nil
}

// decodeNode decodes a node into a type of the Kubernetes API, by way of its binary
// encoding: to read JSON for the first time takes three times as long. kyaml's
// MarshalJSON would write and read YAML text on the way.
func decodeNode(n *yaml.Node, into any) error {
	var value any
	if err := n.Decode(&value); err != nil {
		return err
	}
	data, err := cbor.Marshal(value)
	if err != nil {
		return err
	}
	return cbor.Unmarshal(data, into)
}
