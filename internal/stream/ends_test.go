package stream

import "testing"

func TestEndsInside(t *testing.T) {
	const resource = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x"
	for text, want := range map[string]bool{
		resource:                             true,
		resource + "\n":                      false,
		resource + "\r\n":                    false,
		resource + "\n  ":                    false,
		resource + "\n# the end":             false,
		resource + "\n  # in a scalar":       true,
		resource + "\n---":                   false,
		resource + "\n...":                   false,
		resource + "\n---\nkind":             true,
		"--- {kind: ConfigMap":               true,
		"--- text":                           true,
		`{"apiVersion": "v1"}`:               false,
		`{"apiVersion": "v1"} {"kind": "x"}`: false,
		"{kind: ConfigMap, data: {a: 'b'}}":  false,
		"":                                   false,
	} {
		for name, needs := range map[string]Needs{"parsed": nil, "passed": func(_, _, _ []byte) bool { return false }} {
			documents, err := Split("x.yaml", []byte(text), needs)
			if err != nil {
				if text != "--- {kind: ConfigMap" && text != resource+"\n---\nkind" {
					t.Errorf("%q, %s: %v", text, name, err)
				}
				continue
			}
			got := len(documents) > 0 && documents[len(documents)-1].EndsInside()
			if got != want {
				t.Errorf("%q, %s: got %t", text, name, got)
			}
		}
	}
}
