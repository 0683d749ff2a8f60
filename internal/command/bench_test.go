package command

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// BenchmarkFilter runs the function over the install of the example.
func BenchmarkFilter(b *testing.B) {
	const config, file = "../../examples/quickstart/functionconfig.yaml", "../../examples/quickstart/flux-system/gotk-components.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if code := Execute([]string{config, "-"}, "test", bytes.NewReader(data), io.Discard, io.Discard); code != 0 {
			b.Fatalf("exit code %d", code)
		}
	}
}
