//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const loginPage = "<!DOCTYPE html>\n<html><head><title>Sign in to Example Gateway</title></head><body>Please sign in.</body></html>\n"

func html(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, loginPage)
}

func status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		}
		w.WriteHeader(code)
	})
}

func answer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// contents returns what servers serve, by name.
func (p *peers) contents() map[string]http.Handler {
	chart := archive(p.t, map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n"})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			p.sent.Store(r.URL.Path, true) // what answers a notification is not read
		}
		html(w, r)
	})
	helm := func(archive http.Handler, url func() string) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("/index.yaml", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  app:\n  - {apiVersion: v2, name: app, version: 0.1.0, urls: [%q]}\n", url())
		})
		mux.Handle("/app-0.1.0.tgz", archive)
		return mux
	}
	charts := answer(string(chart))
	here := func() string { return "app-0.1.0.tgz" }
	at := func(spec string) func() string {
		return func() string { return "https://" + p.start(spec) + "/app-0.1.0.tgz" }
	}
	moved := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, at("unknown/helm")(), http.StatusFound)
	})
	images := newImages(p.t, chart)
	named := func(spec string) func() string { return func() string { return p.named(p.start(spec)) } }
	return map[string]http.Handler{
		"page": page, "401": status(http.StatusUnauthorized), "404": http.NotFoundHandler(), "empty": answer(""),
		"helm":                helm(charts, here),
		"helm, bundle charts": helm(nil404, at("bundle/helm")), "helm, unknown charts": helm(nil404, at("unknown/helm")),
		"helm, moved charts": helm(moved, here), "helm, page for charts": helm(page, here),
		"no apiVersion": answer("entries: {}\n"), "no YAML": answer("apiVersion: v1\nentries: [\n"), "JSON error": answer(`{"error":"forbidden"}`),
		"oci": images, "oci, token": images.behind(named("bundle/token")), "oci, token at an address": images.behind(func() string { return p.start("bundle/token") }), "oci, unknown token": images.behind(named("unknown/token")), "oci, page for a token": images.behind(named("bundle/page")),
		"token":              answer(`{"token":"t"}`),
		"oci, blobs bundle":  images.apart(p, "bundle/oci"),
		"oci, blobs unknown": images.apart(p, "unknown/oci"),
		"s3":                 bucket(),
		"git":                smartGit(p.t),
		"hook": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.sent.Store(r.URL.Path, true)
			_, _ = io.WriteString(w, "{}")
		}),
		"gitea": p.gitea(),
	}
}

var nil404 = http.NotFoundHandler()

func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	out := tar.NewWriter(zip)
	for name, text := range files {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, end := range []func() error{out.Close, zip.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	return packed.Bytes()
}

// images is a registry with the repositories app, which holds a chart, and config,
// which holds what flux push makes: tag 0.1.0 and latest.
type images struct {
	blobs map[string][]byte
	tags  map[string]string // digest of the manifest, by repository
}

func newImages(t *testing.T, chart []byte) *images {
	t.Helper()
	i := &images{blobs: map[string][]byte{}, tags: map[string]string{}}
	add := func(data []byte) string {
		name := "sha256:" + digest(data)
		i.blobs[name] = data
		return name
	}
	for repository, c := range map[string]struct {
		config, configType, layerType string
		layer                         []byte
	}{
		"app": {`{"name":"app","version":"0.1.0","apiVersion":"v2"}`, "application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart},
		"config": {
			`{}`, "application/vnd.cncf.flux.config.v1+json", "application/vnd.cncf.flux.content.v1.tar+gzip",
			archive(t, map[string]string{"x.yaml": "a: b\n"}),
		},
	} {
		descriptor := func(mediaType string, data []byte) object {
			return object{"mediaType": mediaType, "size": len(data), "digest": add(data)}
		}
		manifest, err := json.Marshal(object{
			"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
			"config": descriptor(c.configType, []byte(c.config)), "layers": []any{descriptor(c.layerType, c.layer)},
		})
		if err != nil {
			t.Fatal(err)
		}
		i.tags[repository] = add(manifest)
	}
	return i
}

func (i *images) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v2"), "/"), "/")
	switch {
	case len(path) == 1 && path[0] == "":
		_, _ = io.WriteString(w, "{}")
	case len(path) == 3 && path[1] == "tags" && i.tags[path[0]] != "":
		_, _ = fmt.Fprintf(w, `{"name":%q,"tags":["0.1.0","latest"]}`, path[0])
	case len(path) == 3:
		name := path[2]
		if path[1] == "manifests" && (name == "0.1.0" || name == "latest") {
			name = i.tags[path[0]]
		}
		data, ok := i.blobs[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if path[1] == "manifests" {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", name)
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(data)
		}
	default:
		http.NotFound(w, r)
	}
}

// behind lets the registry ask for a token that another server gives.
func (i *images) behind(host func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s/token",service="test"`, host()))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		i.ServeHTTP(w, r)
	})
}

// apart keeps the blobs at another server.
func (i *images) apart(p *peers, spec string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "https://"+p.start(spec)+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		i.ServeHTTP(w, r)
	})
}

// bucket is an S3 bucket named app with one object.
func bucket() http.Handler {
	const stamp, etag = "Mon, 02 Jan 2006 15:04:05 GMT", `"5d41402abc4b2a76b9719d911017c592"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		query := r.URL.Query()
		switch {
		case query.Has("location"):
			_, _ = io.WriteString(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
		case strings.Trim(r.URL.Path, "/") == "app" && r.Method == http.MethodHead:
		case strings.Trim(r.URL.Path, "/") == "app":
			_, _ = fmt.Fprintf(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>app</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>`+
				`<Contents><Key>x.yaml</Key><LastModified>2006-01-02T15:04:05.000Z</LastModified><ETag>%s</ETag><Size>5</Size></Contents></ListBucketResult>`, etag)
		case r.URL.Path == "/app/x.yaml":
			w.Header().Set("ETag", etag)
			w.Header().Set("Last-Modified", stamp)
			w.Header().Set("Content-Length", "5")
			if r.Method != http.MethodHead {
				_, _ = io.WriteString(w, "a: b\n")
			}
		default:
			w.WriteHeader(http.StatusNotFound)
			if r.Method != http.MethodHead {
				_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			}
		}
	})
}

// smartGit serves a repository over the smart protocol.
func smartGit(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "-b", "master", "work"},
		{"-C", "work", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x"},
		{"clone", "-q", "--bare", "work", "repo.git"},
	} {
		if got := run(t, dir, "git", args...); got.code != 0 {
			t.Fatalf("git %v: %s", args, got.stderr)
		}
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	return &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Clean(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
}

// gitea is as much of its API as a commit status needs.
func (p *peers) gitea() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/version"):
			_, _ = io.WriteString(w, `{"version":"1.20.0"}`)
		case r.Method == http.MethodPost:
			name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/repos/"), "/")
			p.sent.Store("/"+name, true)
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "{}")
		default:
			_, _ = io.WriteString(w, "[]")
		}
	})
}
