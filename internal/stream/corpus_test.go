package stream

import (
	"bytes"
	"path/filepath"
	"testing"

	"fluxtrust.dev/flux-trust/internal/corpus"
)

func TestSplitAndJoinCorpus(t *testing.T) {
	for _, file := range corpus.Files(t, "*/*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := corpus.Read(t, file)
			documents, err := Split(file, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			out, err := Join(documents)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), data) {
				t.Error("Join(Split(data)) is not data")
			}
		})
	}
}
