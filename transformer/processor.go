package transformer

import (
	"strconv"
	"time"

	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Process runs the function over the items of a ResourceList, by its functionConfig.
// Skipped is how many resources the list holds beside the items that Needs says are
// needed. What is wrong with the config is among the findings.
func Process(config *yaml.RNode, items []*yaml.RNode, skipped int, now time.Time) Outcome {
	c, err := v1alpha1.FromNode(config)
	if err != nil {
		return Outcome{Items: items, Findings: ConfigFindings(config, err)}
	}
	resources := make([]Resource, len(items))
	for i, item := range items {
		resources[i] = Resource{Node: item, File: fileOf(item)}
	}
	return RunNeeded(c, resources, skipped, now)
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
