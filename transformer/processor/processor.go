package processor

import (
	"errors"
	"slices"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/transformer"
)

// ErrResults says that a result is an error. The results say what is wrong.
var ErrResults = errors.New("the function ended with errors, see its results")

// Processor runs the function over a ResourceList.
type Processor struct {
	// Now is the time of the run.
	Now time.Time
	// Outcome is that of the last Process, without results that came in.
	Outcome transformer.Outcome
}

var _ framework.ResourceListProcessor = (*Processor)(nil)

// Process changes the items of a ResourceList and appends to its results. When
// one of the new results is an error, it returns ErrResults and leaves the
// items as they came in.
func (p *Processor) Process(rl *framework.ResourceList) error {
	p.Outcome = transformer.Process(rl.FunctionConfig, rl.Items, 0, p.Now)
	rl.Items = slices.DeleteFunc(slices.Concat(p.Outcome.Items, p.Outcome.Added), func(item *yaml.RNode) bool { return item == nil })
	for _, r := range p.Outcome.Results() {
		rl.Results = append(rl.Results, result(r))
	}
	if p.Outcome.Failed() {
		return ErrResults
	}
	return nil
}

func result(r *krm.Result) *framework.Result {
	of := &framework.Result{Message: r.Message, Severity: framework.Severity(r.Severity), ResourceRef: r.ResourceRef}
	if r.Field != nil {
		of.Field = &framework.Field{Path: r.Field.Path, CurrentValue: r.Field.CurrentValue, ProposedValue: r.Field.ProposedValue}
	}
	if r.File != nil {
		of.File = &framework.File{Path: r.File.Path, Index: r.File.Index}
	}
	return of
}
