package transformer

import (
	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// harden makes the pod template meet the profile. It returns the template as it
// came in.
func (d *deployment) harden() (krm.Field, error) {
	o := krm.NewObject(d.podTemplate.Node, nil)
	before := o.Before
	before.Path = d.podTemplate.Path
	template := o.Edit()
	template.Path = d.podTemplate.Path
	p := hardening.Pod{Template: template, Config: d.security, Controllers: d.controllers, OwnVolume: bundleVolume}
	if d.claimed {
		p.Own = initContainer
	}
	d.tell(p.Harden())
	if err := o.Err(); err != nil {
		return before, err
	}
	if !o.Changed() {
		return before, nil
	}
	d.Changed = true
	if d.Differs != nil {
		for _, difference := range krm.Differences(before, template) {
			d.Differs(krm.Change(difference), difference.Message())
		}
	}
	was := *before.Node
	before.Node = &was
	*d.podTemplate.Node = *template.Node
	var err error
	d.pod, err = d.podTemplate.GetE("spec")
	return before, err
}

// judge holds a pod template against the Pod Security admission: as it came in where
// nothing is to be changed, else as it is to be.
func (d *deployment) judge(before krm.Field) error {
	template, severity := d.podTemplate, krm.Warning
	if d.report.Validate {
		template, severity = before, krm.Error
	}
	verdict, err := hardening.Judge(template, d.security)
	if err != nil {
		return err
	}
	d.tell(verdict.Findings(nil, severity))
	verdict.Namespace, verdict.Name = d.report.Ref.Namespace, d.seen.Names[0]
	d.verdict = verdict
	return nil
}

// tell adds findings to the report. Where nothing is changed, none is of a change.
func (d *deployment) tell(findings krm.Findings) {
	for _, f := range findings {
		if !d.report.Validate || !codes.IsChange(f.Code) {
			d.report.Add(framework.Severity(f.Severity), krm.Change(f.Difference), "%s", f.Message)
		}
	}
}
