package probe

import (
	"slices"
	"strings"
	"testing"
)

func TestChartHosts(t *testing.T) {
	for name, tc := range map[string]struct {
		index string
		want  []string
	}{
		"block style":     {"entries:\n  a:\n  - name: a\n    urls:\n    - https://b.example.com/a.tgz\n    - https://a.example.com/a.tgz\n    version: 1\n", []string{"https://a.example.com", "https://b.example.com"}},
		"indented lists":  {"entries:\n  a:\n    - urls:\n        - https://a.example.com/a.tgz\n      name: a\n", []string{"https://a.example.com"}},
		"quoted":          {"urls:\n- \"https://a.example.com/a.tgz\"\n- 'https://b.example.com:443/a.tgz'\n", []string{"https://a.example.com", "https://b.example.com"}},
		"flow style":      {"- {name: a, version: 1}\n- urls: [https://a.example.com/x, 'http://b.example.com/x']\n", []string{"http://b.example.com", "https://a.example.com"}},
		"JSON":            {`{"entries":{"a":[{"home":"https://no.example.com","urls":["https://a.example.com/a.tgz","https://b.example.com/a.tgz"],"sources":["https://no.example.com"]}]}}`, []string{"https://a.example.com", "https://b.example.com"}},
		"JSON, spread":    {"{\n \"urls\" : [\n  \"https://a.example.com/a.tgz\"\n ],\n \"home\": \"https://no.example.com\"\n}", []string{"https://a.example.com"}},
		"other keys":      {"a:\n- home: https://no.example.com\n  sources:\n  - https://no.example.com\n  urls:\n  - a-1.tgz\n  icon: https://no.example.com\n", nil},
		"in a text":       {"description: see urls: https://no.example.com\nmore: |\n  the urls: https://no.example.com\n", nil},
		"in a comment":    {"# urls: [https://no.example.com]\nurls: # of it\n- https://a.example.com/x # - https://no.example.com\n", []string{"https://a.example.com"}},
		"an apostrophe":   {"description: it's 'tis\nurls:\n- https://a.example.com/x\n", []string{"https://a.example.com"}},
		"other schemes":   {"urls:\n- oci://no.example.com/x\n- file:///x\n- https://\n", nil},
		"a very long one": {"icon: data:" + strings.Repeat("A", 100_000) + "\nurls:\n- https://a.example.com/x\n", []string{"https://a.example.com"}},
		"nothing":         {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := chartHosts{}
			if err := hosts.read(strings.NewReader(tc.index)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range hosts.sorted() {
				got = append(got, u.Scheme+"://"+hostOf(u))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzChartHosts(f *testing.F) {
	f.Add("urls:\n- https://a.example.com/x\n")
	f.Add(`{"urls":["https://a.example.com"]}`)
	f.Fuzz(func(t *testing.T, index string) {
		hosts := chartHosts{}
		if err := hosts.read(strings.NewReader(index)); err != nil {
			t.Fatal(err)
		}
		for _, u := range hosts {
			if u.Host == "" || len(hosts) > maxHosts {
				t.Errorf("%v", hosts)
			}
		}
	})
}
