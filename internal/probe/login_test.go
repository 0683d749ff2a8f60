package probe

import (
	"strings"
	"testing"
)

// TestHasLogin has the entries of a Docker config that go-containerregistry takes for a
// repository.
func TestHasLogin(t *testing.T) {
	json := func(entry string) string { return `{"auths":{"` + entry + `":{"auth":"czNjcmV0"}}}` }
	for name, tc := range map[string]struct {
		typed, key, text, url string
		want                  bool
		code                  Code
	}{
		"the host":              {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("registry.example.com"), "https://registry.example.com/team/app", true, ""},
		"with a scheme":         {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("https://registry.example.com/v2/"), "https://registry.example.com/team/app", true, ""},
		"with the path":         {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("registry.example.com/team"), "https://registry.example.com/team/app", true, ""},
		"with another path":     {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("registry.example.com/other"), "https://registry.example.com/team/app", false, ""},
		"another host":          {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("other.example.com"), "https://registry.example.com/team/app", false, ""},
		"another port":          {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("registry.example.com"), "https://registry.example.com:5000/app", false, ""},
		"a pattern":             {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("*.example.com"), "https://registry.example.com/app", true, ""},
		"a pattern, two labels": {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("*.com"), "https://registry.example.com/app", false, ""},
		"Docker Hub":            {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", json("https://index.docker.io/v1/"), "https://docker.io/team/app", true, ""},
		"the older form":        {"kubernetes.io/dockercfg", ".dockercfg", `{"registry.example.com":{"auth":"czNjcmV0"}}`, "https://registry.example.com/app", true, ""},
		"another type":          {"Opaque", ".dockerconfigjson", json("registry.example.com"), "https://registry.example.com/app", false, ""},
		"no JSON":               {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", "s3cret", "https://registry.example.com/app", false, BadLogin},
		"a list":                {"kubernetes.io/dockercfg", ".dockercfg", `["s3cret"]`, "https://registry.example.com/app", false, BadLogin},
		"nothing":               {"kubernetes.io/dockerconfigjson", "x", "", "https://registry.example.com/app", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := target(t, OCIRepository, tc.url)
			source.Secrets.Auth = secretWith(nil, map[string]string{tc.key: tc.text})
			source.Secrets.Auth.Type = tc.typed
			if source.sends() != tc.want {
				t.Errorf("sends a login: %v", !tc.want)
			}
			_, failed := source.plan()
			if (failed != nil) != (tc.code != "") || failed != nil && (failed.Code != tc.code || strings.Contains(failed.Error, "s3cret")) {
				t.Errorf("got %+v, want %s", failed, tc.code)
			}
		})
	}
}

// TestDockerHub has the hosts behind the name docker.io.
func TestDockerHub(t *testing.T) {
	for address, want := range map[string]map[Kind]string{
		"https://docker.io/team/app":            {OCIRepository: "index.docker.io team/app", ImageRepository: "index.docker.io team/app", HelmRegistry: "registry-1.docker.io team/app"},
		"https://docker.io/alpine":              {OCIRepository: "index.docker.io library/alpine", HelmRegistry: "registry-1.docker.io alpine"},
		"https://index.docker.io/alpine":        {ImageRepository: "index.docker.io library/alpine"},
		"https://registry-1.docker.io/team/app": {OCIRepository: "registry-1.docker.io team/app"},
		"https://registry.example.com/app":      {OCIRepository: "registry.example.com app"},
	} {
		for kind, want := range want {
			source := target(t, kind, address)
			r := &registry{look: &look{target: &source}, scheme: "https"}
			if got := r.host() + " " + r.repository(); got != want || r.url("/v2/").Host != r.host() {
				t.Errorf("%s %s: got %s, want %s", kind, address, got, want)
			}
		}
	}
}
