package stream

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// corpus holds real manifests that stand beside the checkout of the project.
const corpus = "../../shared/corpus"

func TestSplitAndJoinCorpus(t *testing.T) {
	files, err := filepath.Glob(corpus + "/*/*")
	if err != nil || len(files) == 0 {
		t.Skipf("no manifests in %s: run this test beside the corpus", corpus)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
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
