package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxManifest is the largest manifest in bytes that registries must take:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
const maxManifest = 4 << 20

// digest is that of a blob.
var digest = regexp.MustCompile(`^[a-z0-9]+:[a-f0-9]{32,128}$`) //nolint:gochecknoglobals // compiled once

// registry follows a repository as far as a registry lets anonymous users see:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
// https://distribution.github.io/distribution/spec/auth/token/
type registry struct {
	*client
	target *Target
	seen   *sightings
	token  string
}

func (c *client) registry(ctx context.Context, t *Target, seen *sightings) {
	r := &registry{client: c, target: t, seen: seen}
	challenge, status := "", 0
	if !seen.add("registry", c.visit(ctx, r.url("/v2/"), nil, func(response *http.Response) *Failure {
		challenge, status = response.Header.Get("WWW-Authenticate"), response.StatusCode
		return nil
	})) {
		return
	}
	switch {
	case status == http.StatusUnauthorized:
		if !r.login(ctx, challenge) {
			seen.note("the registry asks for credentials, which the probe does not use: where its blobs are was not tried")
			return
		}
	case status != http.StatusOK:
		seen.note("the registry does not answer as one: where its blobs are was not tried")
		return
	}
	r.blob(ctx)
}

func (r *registry) url(path string) *url.URL {
	return &url.URL{Scheme: "https", Host: r.target.URL.Host, Path: path}
}

func (r *registry) repository() string { return strings.Trim(r.target.URL.Path, "/") }

// login asks the host that the challenge names for an anonymous token. It tells
// whether there is one.
func (r *registry) login(ctx context.Context, challenge string) bool {
	scheme, rest, _ := strings.Cut(challenge, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	values := map[string]string{}
	for _, match := range regexp.MustCompile(`([a-z]+)="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		values[match[1]] = match[2]
	}
	realm, err := url.Parse(values["realm"])
	if err != nil || realm.Host == "" {
		return false
	}
	query := realm.Query()
	if values["service"] != "" {
		query.Set("service", values["service"])
	}
	query.Set("scope", "repository:"+r.repository()+":pull")
	realm.RawQuery = query.Encode()
	var answer struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	r.seen.add("token", r.visit(ctx, realm, nil, readJSON(&answer)))
	r.token = cmp.Or(answer.Token, answer.AccessToken)
	return r.token != ""
}

// blob asks for the smallest blob of an image: registries redirect such a request
// to where they keep them.
func (r *registry) blob(ctx context.Context) {
	tag := r.target.Tag
	if tag == "" {
		var list struct {
			Tags []string `json:"tags"`
		}
		r.get(ctx, "/tags/list", &list)
		if len(list.Tags) == 0 {
			return
		}
		tag = slices.Min(list.Tags)
	}
	var manifest struct {
		Config    struct{ Digest string }
		Manifests []struct{ Digest string }
	}
	r.get(ctx, "/manifests/"+tag, &manifest)
	if manifest.Config.Digest == "" && len(manifest.Manifests) > 0 && digest.MatchString(manifest.Manifests[0].Digest) {
		r.get(ctx, "/manifests/"+manifest.Manifests[0].Digest, &manifest)
	}
	if digest.MatchString(manifest.Config.Digest) {
		r.get(ctx, "/blobs/"+manifest.Config.Digest, nil)
	}
}

// get asks for a part of the repository.
func (r *registry) get(ctx context.Context, path string, into any) {
	header := http.Header{"Accept": {
		"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json", "*/*",
	}}
	if r.token != "" {
		header.Set("Authorization", "Bearer "+r.token)
	}
	var read func(*http.Response) *Failure
	if into != nil {
		read = readJSON(into)
	}
	r.seen.add("blobs", r.visit(ctx, r.url("/v2/"+r.repository()+path), header, read))
}

// readJSON reads an answer as far as it is one: what is not there is not followed.
func readJSON(into any) func(*http.Response) *Failure {
	return func(response *http.Response) *Failure {
		if response.StatusCode == http.StatusOK {
			if err := json.NewDecoder(io.LimitReader(response.Body, maxManifest)).Decode(into); err != nil {
				return nil //nolint:nilerr // no JSON, so nothing to follow
			}
		}
		return nil
	}
}
