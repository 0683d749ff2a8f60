package command

import (
	"errors"
	"io"
	"os"

	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/stream"
)

// truncated returns a warning for every input that seems to be cut off: what is missing
// at its end would be missing without a word.
func truncated(documents []*stream.Document) krm.Findings {
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

// needsStdout refuses a closed stdout before any work: what is written there would be
// lost.
func needsStdout(out io.Writer) error {
	if file, ok := out.(*os.File); ok && isClosed(file) {
		return errors.New("stdout is closed, so the result would be lost; open it, or send it to /dev/null")
	}
	return nil
}
