package trust

import (
	"encoding/json"
	"slices"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// record holds, per container and variable, the literal value that an env variable had
// before the function changed it, or null where there was none. It lives in an
// annotation so that the change can be taken back.
type record map[string]map[string]*string

// readRecord reads the record of an earlier run.
func (p *Pod) readRecord() {
	const cure = "restore it, or remove it together with the env variables that flux-trust set"
	value := p.marked.Get("metadata", "annotations", v1alpha1.PreviousAnnotation)
	p.record = record{}
	text := value.Text()
	if text == "" {
		return
	}
	read := record{}
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		value.Fail(codes.RecordUnreadable, "is not what flux-trust wrote (%s); %s", quote.Reader(err), cure)
		return
	}
	if read == nil {
		value.Fail(codes.RecordUnreadable, "is not what flux-trust wrote; %s", cure)
		return
	}
	p.record = read
	// A container that was renamed or removed takes its record along.
	for name := range p.record {
		if !slices.ContainsFunc(p.containers, func(c flux.Container) bool { return c.Name == name }) {
			delete(p.record, name)
		}
	}
}
