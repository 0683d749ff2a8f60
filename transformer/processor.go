package transformer

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// ErrResults says that a result is an error. The results say what is wrong.
var ErrResults = errors.New("the function ended with errors, see its results")

// Processor runs the function over a ResourceList of kyaml's framework.
type Processor struct {
	// Now is the time of the run.
	Now time.Time
	// Skipped is how many resources the stream holds beside the items that Needs
	// says are not needed.
	Skipped int
	// Outcome is that of the last Process, without results that came in.
	Outcome Outcome
}

var _ framework.ResourceListProcessor = (*Processor)(nil)

// Process changes the items of a ResourceList and appends to its results. When
// one of the new results is an error, it returns ErrResults and leaves the
// items as they came in.
func (p *Processor) Process(rl *framework.ResourceList) error {
	config, err := v1alpha1.FromNode(rl.FunctionConfig)
	if err != nil {
		p.Outcome = Outcome{Items: rl.Items, Findings: ConfigFindings(rl.FunctionConfig, err)}
	} else {
		resources := make([]Resource, len(rl.Items))
		for i, item := range rl.Items {
			resources[i] = Resource{Node: item, File: fileOf(item)}
		}
		p.Outcome = RunNeeded(config, resources, p.Skipped, p.Now)
	}
	rl.Items = slices.DeleteFunc(slices.Concat(p.Outcome.Items, p.Outcome.Added), func(item *yaml.RNode) bool { return item == nil })
	rl.Results = append(rl.Results, p.Outcome.Results()...)
	if p.Outcome.Failed() {
		return ErrResults
	}
	return nil
}

// fileOf returns the file that an orchestrator has read an item from, or nil.
func fileOf(item *yaml.RNode) *File {
	annotation := func(name string) string {
		return krm.Field{Node: item.YNode()}.Peek("metadata", "annotations", name)
	}
	file := &File{Path: quote.File(annotation(kioutil.PathAnnotation))}
	if file.Path == "" {
		return nil
	}
	if n, err := strconv.Atoi(annotation(kioutil.IndexAnnotation)); err == nil {
		file.Index = n
	}
	return file
}
