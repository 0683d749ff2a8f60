package probe

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// base is where the index of a test is.
func base() *url.URL { return &url.URL{Scheme: "https", Host: "index.example.com", Path: "/stable"} }

// readWords reads an index as one that is too large to be parsed.
func readWords(h chartHosts, index string) *Failure {
	limited := &io.LimitedReader{R: strings.NewReader(index), N: maxIndex}
	return h.readWords(limited, limited, base())
}

func (h chartHosts) list() []string {
	var origins []string
	for _, u := range h.sorted() {
		origins = append(origins, origin(u))
	}
	return origins
}

// TestChartHosts reads the words of a large index: of each chart the first URL.
func TestChartHosts(t *testing.T) {
	for name, tc := range map[string]struct {
		index string
		want  []string
	}{
		"block style":     {"entries:\n  a:\n  - name: a\n    urls:\n    - https://b.example.com/a.tgz\n    - https://a.example.com/a.tgz\n    version: 1\n", []string{"https://b.example.com"}},
		"indented lists":  {"entries:\n  a:\n    - urls:\n        - https://a.example.com/a.tgz\n      name: a\n", []string{"https://a.example.com"}},
		"quoted":          {"urls:\n- \"https://a.example.com/a.tgz\"\n---\nurls:\n- 'https://b.example.com:443/a.tgz'\n", []string{"https://a.example.com", "https://b.example.com"}},
		"flow style":      {"- {name: a, version: 1}\n- urls: [https://a.example.com/x, 'http://b.example.com/x']\n", []string{"https://a.example.com"}},
		"JSON":            {`{"entries":{"a":[{"home":"https://no.example.com","urls":["https://a.example.com/a.tgz","https://b.example.com/a.tgz"],"sources":["https://no.example.com"]}]}}`, []string{"https://a.example.com"}},
		"JSON, spread":    {"{\n \"urls\" : [\n  \"https://a.example.com/a.tgz\"\n ],\n \"home\": \"https://no.example.com\"\n}", []string{"https://a.example.com"}},
		"other keys":      {"a:\n- home: https://no.example.com\n  sources:\n  - https://no.example.com\n  icon: https://no.example.com\n", nil},
		"relative":        {"a:\n- urls:\n  - a-1.tgz\n  home: https://no.example.com\n", []string{"https://index.example.com"}},
		"in a text":       {"description: see urls: https://no.example.com\nmore: |\n  the urls: https://no.example.com\n", nil},
		"in a comment":    {"# urls: [https://no.example.com]\nurls: # of it\n- https://a.example.com/x # - https://no.example.com\n", []string{"https://a.example.com"}},
		"an apostrophe":   {"description: it's 'tis\nurls:\n- https://a.example.com/x\n", []string{"https://a.example.com"}},
		"other schemes":   {"urls:\n- oci://no.example.com/x\n--- \nurls:\n- file:///x\n", nil},
		"a very long one": {"icon: data:" + strings.Repeat("A", 100_000) + "\nurls:\n- https://a.example.com/x\n", []string{"https://a.example.com"}},
		"nothing":         {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := chartHosts{}
			failed := readWords(hosts, "apiVersion: v1\n"+tc.index)
			if got := hosts.list(); failed != nil || !slices.Equal(got, tc.want) {
				t.Errorf("got %v, %v, want %v", got, failed, tc.want)
			}
		})
	}
}

// TestReadIndex reads an index that is parsed, and the same as one that is not.
func TestReadIndex(t *testing.T) {
	const charts = "entries:\n  a:\n  - urls:\n    - https://a.example.com/x\n    - https://no.example.com/x\n  - urls: []\n  b:\n  - urls:\n    - b.tgz\n"
	large := "icon: " + strings.Repeat("A", maxParsed) + "\n"
	for name, tc := range map[string]struct {
		index string
		want  []string
		code  Code
	}{
		"an index":            {"apiVersion: v1\n" + charts, []string{"https://a.example.com", "https://index.example.com"}, ""},
		"a large one":         {"apiVersion: v1\n" + large + charts, []string{"https://a.example.com", "https://index.example.com"}, ""},
		"JSON":                {`{"apiVersion":"v1","entries":{"a":[{"urls":["https://a.example.com/x"]}]}}`, []string{"https://a.example.com"}, ""},
		"without apiVersion":  {charts, nil, NotAnIndex},
		"a large one without": {large + charts, nil, NotAnIndex},
		"an error as JSON":    {`{"error":"forbidden"}`, nil, NotAnIndex},
		"no YAML":             {"apiVersion: v1\nentries: [\n", nil, NotAnIndex},
		"another type":        {"apiVersion: v1\nentries: [a]\n", nil, NotAnIndex},
		"a text":              {"It works!", nil, NotAnIndex},
		"nothing":             {"", nil, NotAnIndex},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := chartHosts{}
			failed := hosts.readIndex(strings.NewReader(tc.index), base())
			code := Code("")
			if failed != nil {
				code = failed.Code
			}
			if got := hosts.list(); code != tc.code || code == "" && !slices.Equal(got, tc.want) {
				t.Errorf("got %v, %v, want %v, %s", got, failed, tc.want, tc.code)
			}
		})
	}
}

func FuzzChartHosts(f *testing.F) {
	f.Add("urls:\n- https://a.example.com/x\n")
	f.Add(`{"urls":["https://a.example.com"]}`)
	f.Fuzz(func(t *testing.T, index string) {
		hosts := chartHosts{}
		if failed := readWords(hosts, index); failed != nil && failed.Code != NotAnIndex {
			t.Fatal(failed)
		}
		if failed := hosts.readIndex(strings.NewReader(index), base()); failed != nil && failed.Code != NotAnIndex {
			t.Fatal(failed)
		}
		for _, u := range hosts {
			if u.Host == "" || len(hosts) > maxHosts {
				t.Errorf("%v", hosts)
			}
		}
	})
}
