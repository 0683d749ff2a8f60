package filter

import (
	"bytes"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/stream"
	"fluxtrust.dev/flux-trust/transformer"
)

// File is a file that the function is run over.
type File struct {
	Path string
	Text []byte
}

// InPlace runs the function over files, and returns those that it changes, as they are
// to be. What the function adds stands at the end of the first file that it changes.
// After an error there are none.
func InPlace(config *v1alpha1.FluxTrust, files []File, now time.Time) ([]File, transformer.Outcome, error) {
	own := make([][]*stream.Document, len(files))
	var outcome transformer.Outcome
	var changed []*stream.Document
	err := transformer.Look(func(needs transformer.NeedsFor) (transformer.Outcome, error) {
		var documents []*stream.Document
		for i, f := range files {
			var err error
			if own[i], err = stream.Split(f.Path, f.Text, needs(config)); err != nil {
				return transformer.Outcome{}, err
			}
			documents = append(documents, own[i]...)
		}
		var err error
		outcome, changed, err = apply(config, documents, now)
		return outcome, err
	})
	if err != nil || outcome.Failed() {
		return nil, outcome, err
	}
	last := files[len(files)-1].Path
	if len(changed) > 0 {
		last = changed[0].File
	}
	var after []File
	for i, f := range files {
		if f.Path == last {
			for _, added := range outcome.Added {
				own[i] = append(own[i], stream.New(added, own[i]))
			}
		}
		text, err := stream.Join(own[i])
		if err != nil {
			return nil, outcome, err
		}
		if out := text.Bytes(); !bytes.Equal(out, f.Text) {
			after = append(after, File{f.Path, out})
		}
	}
	return after, outcome, nil
}
