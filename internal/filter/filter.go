package filter

import (
	"fmt"
	"time"

	"sigs.k8s.io/kustomize/kyaml/kio"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// Run runs the function over documents. There is no output after an error.
func Run(config *v1alpha1.FluxTrust, documents []*stream.Document, now time.Time) (stream.Pieces, transformer.Outcome, error) {
	outcome, _, err := apply(config, documents, now)
	if err != nil || outcome.Failed() {
		return nil, outcome, err
	}
	for _, added := range outcome.Added {
		documents = append(documents, stream.New(added, documents))
	}
	output, err := stream.Join(documents)
	return output, outcome, err
}

// apply runs the function over documents, and returns those that it has changed. After
// an error there are none.
func apply(config *v1alpha1.FluxTrust, documents []*stream.Document, now time.Time) (transformer.Outcome, []*stream.Document, error) {
	resources, held, skipped, err := Resources(documents)
	if err != nil {
		return transformer.Outcome{}, nil, err
	}
	outcome := transformer.RunNeeded(config, resources, skipped, now)
	outcome.Findings = append(Truncated(documents), outcome.Findings...)
	if outcome.Failed() {
		return outcome, nil, nil
	}
	var changed []*stream.Document
	for i, d := range held {
		if outcome.Items[i] != resources[i].Node {
			d.Replace(outcome.Items[i])
			changed = append(changed, d)
		}
	}
	return outcome, changed, nil
}

// Resources returns the resources of documents, the documents that hold one, and how
// many were skipped.
func Resources(documents []*stream.Document) (resources []transformer.Resource, held []*stream.Document, skipped int, err error) {
	for _, d := range documents {
		skipped += d.Skipped
		if d.Resource() == nil {
			continue
		}
		if d.Resource().GetKind() == kio.ResourceListKind { // Resource is always a mapping
			return nil, nil, 0, fmt.Errorf("%s holds a ResourceList, which flux-trust reads without arguments: flux-trust < %s", d.File, quote.Path(d.File))
		}
		held = append(held, d)
		resources = append(resources, transformer.Resource{
			Node: d.Resource(),
			File: &transformer.File{Path: d.File, Index: d.Index},
		})
	}
	return resources, held, skipped, nil
}

// Truncated returns a warning for every input that seems to be cut off: what is missing
// at its end would be missing without a word.
func Truncated(documents []*stream.Document) krm.Findings {
	var found krm.Findings
	for i, d := range documents {
		isLast := i == len(documents)-1 || documents[i+1].File != d.File
		if isLast && d.EndsInside() {
			found.Add(krm.Warning, codes.Truncated, nil, krm.Difference{}, "%s ends within a line: if it was cut off on its way, what follows is missing; "+
				"compare it with its origin, and end it with a line break", quote.Line(d.File))
		}
	}
	return found
}
