package kustomization

import (
	"fmt"
	"strings"
)

// DifferentError says that a folder does not build what the function makes of it.
type DifferentError struct {
	// Where is what does not build it.
	Where       string
	differences []unlike
}

func (e *DifferentError) Error() string {
	return e.Where + ": with the patches of flux-trust it does not build what the function makes of it: " + e.inShort() + e.cure()
}

// cure says what to do about a reference that leads nowhere.
func (e *DifferentError) cure() string {
	for _, d := range e.differences {
		if strings.Contains(d.path, ".projected.sources[") && strings.HasSuffix(d.path, ".name") {
			return fmt.Sprintf("; kustomize follows names within one namespace only: write namespace: %s on the object that the config names, or on its generator", d.object.namespace)
		}
	}
	return ""
}

// inShort names the first differences.
func (e *DifferentError) inShort() string {
	const most = 3
	var parts []string
	for _, d := range e.differences[:min(most, len(e.differences))] {
		parts = append(parts, d.String())
	}
	if more := len(e.differences) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, "; ")
}
