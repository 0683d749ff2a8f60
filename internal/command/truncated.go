package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"

	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// truncated returns a warning for every input that seems to be cut off: what is missing
// at its end would be missing without a word.
func truncated(documents []*stream.Document) framework.Results {
	var results framework.Results
	for i, d := range documents {
		isLast := i == len(documents)-1 || documents[i+1].File != d.File
		if !isLast || !d.EndsInside() {
			continue
		}
		results = append(results, &framework.Result{
			Severity: framework.Warning,
			Message: fmt.Sprintf("%s ends within a line: if it was cut off on its way, what follows is missing; "+
				"compare it with its origin, and end it with a line break", quote.Line(d.File)),
			File: &framework.File{Path: d.File, Index: d.Index},
		})
	}
	return results
}

// needsStdout refuses a closed stdout before any work: what is written there would be
// lost.
func needsStdout(out io.Writer) error {
	if file, ok := out.(*os.File); ok && isClosed(file) {
		return errors.New("stdout is closed, so the result would be lost; open it, or send it to /dev/null")
	}
	return nil
}
