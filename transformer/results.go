package transformer

import (
	"errors"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Results returns the findings as results of a ResourceList.
func (o Outcome) Results() krm.Results {
	var results krm.Results
	for _, f := range o.Findings {
		results = append(results, resultOf(f))
	}
	return results
}

func resultOf(f krm.Finding) *krm.Result {
	r := &krm.Result{Message: f.Message, Severity: f.Severity}
	if f.Object == nil {
		return r
	}
	about := f.Object.Before
	r.File = f.Object.File
	r.ResourceRef = &yaml.ResourceIdentifier{
		TypeMeta: yaml.TypeMeta{APIVersion: quote.APIVersion(about.Peek("apiVersion")), Kind: quote.Kind(about.Peek("kind"))},
		NameMeta: yaml.NameMeta{Name: quote.Name(about.Peek("metadata", "name")), Namespace: quote.Name(about.Peek("metadata", "namespace"))},
	}
	if f.Path != "" {
		r.Field = &krm.ResultField{Path: f.Path, CurrentValue: f.Current, ProposedValue: f.Proposed}
	}
	return r
}

// ConfigFindings turns an error of v1alpha1 into findings, one per problem.
func ConfigFindings(config *yaml.RNode, err error) krm.Findings {
	var found krm.Findings
	invalid := (*v1alpha1.InvalidError)(nil)
	if !errors.As(err, &invalid) {
		found.Add(krm.Error, codes.InvalidConfig, nil, krm.Difference{}, "%s", err)
		return found
	}
	about := krm.NewObject(config.YNode(), fileOf(config))
	for _, problem := range invalid.Problems {
		f := krm.Finding{Code: codes.InvalidConfig, Severity: krm.Error, Message: problem.String() + problem.Example}
		// A field is only valid beside a complete reference.
		if about.Name() != "" && problem.Path != "" {
			f.Object, f.Difference, f.Message = about, krm.At(problem.Path), problem.Message+problem.Example
		}
		found = append(found, f)
	}
	return found
}
