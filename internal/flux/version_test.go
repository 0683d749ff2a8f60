package flux

import "testing"

func TestTag(t *testing.T) {
	for image, want := range map[string]string{
		"registry.example.com/fluxcd/source-controller:v1.9.4":    "v1.9.4",
		"registry.example.com:5000/source-controller:v1@sha256:0": "v1",
		"registry.example.com:5000/source-controller":             "",
		"registry.example.com/source-controller@sha256:0":         "",
		"source-controller:${VERSION:=v1.0.0}":                    "",
		"source-controller:v${MAJOR}.1":                           "",
		"":                                                        "",
	} {
		if got := Tag(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
