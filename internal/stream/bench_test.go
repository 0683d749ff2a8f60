package stream

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// someItems returns small ConfigMaps as documents or as the items of a
// ResourceList.
func someItems(count int, list bool) []byte {
	var out bytes.Buffer
	if list {
		out.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
	}
	for i := range count {
		text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-%d\n  namespace: team-%d\n  labels:\n"+
			"    app.kubernetes.io/name: app-%[1]d\n    app.kubernetes.io/part-of: shop\ndata:\n  url: https://app-%[1]d.example.com\n"+
			"  level: \"info\"\n  retries: \"3\"\n", i, i%50)
		if list {
			text = "- " + string(indent([]byte(text), 2, true)[2:])
		} else {
			text = "---\n" + text
		}
		out.WriteString(text)
	}
	if list {
		out.WriteString("functionConfig:\n  kind: Any\n")
	}
	return out.Bytes()
}

func needsNothing(_, _, _ []byte) bool { return false }

func BenchmarkScan(b *testing.B) {
	data := someItems(1, false)[len("---\n"):]
	b.SetBytes(int64(len(data)))
	var s scanner
	for b.Loop() {
		if !s.document(data) {
			b.Fatal("not understood")
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	data := someItems(10_000, false)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if documents, err := Split("f", data, needsNothing); err != nil || len(documents) != 1 {
			b.Fatal(len(documents), err)
		}
	}
}

func BenchmarkReadResourceList(b *testing.B) {
	data := someItems(10_000, true)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		l, err := ReadResourceList(data, func(*yaml.RNode) Needs { return needsNothing })
		if err != nil || l.Whole() {
			b.Fatal(err)
		}
		pieces, err := l.Pieces()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := pieces.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLines is the floor: to find the lines and to do nothing with them.
func BenchmarkLines(b *testing.B) {
	data := someItems(10_000, true)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for rest := data; len(rest) > 0; {
			rest = rest[bytes.IndexByte(rest, '\n')+1:]
		}
	}
}
