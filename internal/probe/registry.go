package probe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/pattern"
)

// maxManifest is the largest manifest in bytes that registries must take:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
const maxManifest = 4 << 20

// digest is that of a blob.
var digest = pattern.Pattern{Text: `^[a-z0-9]+:[a-f0-9]{32,128}$`}

// registry follows a repository as far as a registry lets anonymous users see:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
// https://distribution.github.io/distribution/spec/auth/token/
type registry struct {
	*look
	scheme string
	token  string
}

// AnyVersion stands for a tag that a range of versions chooses.
const AnyVersion = "*"

func (l *look) registry(ctx context.Context) {
	r := &registry{look: l, scheme: l.target.URL.Scheme}
	if host := l.target.URL.Hostname(); l.target.Kind == HelmRegistry && !l.target.flux27() && (host == "localhost" || strings.HasPrefix(host, "127.")) {
		// So does containerd's client in Helm before 3.18:
		// https://github.com/containerd/containerd/blob/v1.7.12/remotes/docker/registry.go
		r.scheme = "http"
	}
	challenge, ok := r.ping(ctx)
	if !ok || challenge != "" && !r.login(ctx, challenge) {
		return
	}
	switch t := l.target; t.Kind {
	case ImageRepository:
		r.tags(ctx, r.repository())
	case OCIRepository:
		r.pull(ctx, r.repository(), cmp.Or(t.Content.Reference, "latest"))
	default:
		if len(t.Content.Charts) == 0 {
			r.note("no HelmChart or HelmRelease among the inputs takes a chart from here: where its charts are was not tried")
		}
		for _, name := range slices.Sorted(maps.Keys(t.Content.Charts)) {
			r.pull(ctx, strings.Trim(r.repository()+"/"+name, "/"), t.Content.Charts[name])
		}
	}
}

// ping finds out how the registry is spoken to, and what it says of credentials.
func (r *registry) ping(ctx context.Context) (challenge string, ok bool) {
	try := func(scheme string) []hop {
		r.scheme = scheme
		return r.visit(ctx, r.url("/v2/"), nil, func(response *http.Response) *Failure {
			switch {
			case response.StatusCode == http.StatusUnauthorized:
				challenge = cmp.Or(response.Header.Get("WWW-Authenticate"), "none")
			case response.StatusCode == http.StatusOK:
				_, failed := begin(response, "that of a registry")
				return failed
			case r.target.Kind == HelmRegistry: // Helm does not ask for this
			default:
				return r.answered(response, "/v2/")
			}
			return nil
		})
	}
	hops := try(r.scheme)
	if r.fallsBack() && r.scheme == "https" && hops[len(hops)-1].failure != nil {
		if plain := try("http"); plain[len(plain)-1].failure == nil {
			hops = plain
		} else {
			r.scheme = "https"
		}
	}
	return challenge, r.add("registry", hops)
}

// fallsBack reports whether the controller goes on with http where https fails, as
// go-containerregistry does with insecure: true and for names of this machine and
// private addresses:
// https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/name/registry.go
func (r *registry) fallsBack() bool {
	if r.target.Kind == HelmRegistry {
		return false
	}
	name := r.target.URL.Hostname()
	ip := net.ParseIP(name)
	return r.target.Insecure || strings.HasSuffix(name, ".local") || strings.HasPrefix(r.target.URL.Host, "localhost:") ||
		ip != nil && (ip.IsLoopback() || ip.To4() != nil && ip.IsPrivate())
}

func (r *registry) url(path string) *url.URL {
	return &url.URL{Scheme: r.scheme, Host: r.host(), Path: path}
}

// host is where the registry answers: docker.io is the name of one that does so elsewhere.
// https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/name/registry.go
// https://github.com/oras-project/oras-go/blob/v2.6.0/registry/reference.go
func (r *registry) host() string {
	switch host := r.target.URL.Host; {
	case host != "docker.io":
		return host
	case r.target.Kind == HelmRegistry:
		return "registry-1.docker.io"
	default:
		return dockerHub
	}
}

const dockerHub = "index.docker.io"

// repository is the name of a repository; those without a namespace are the official
// ones of Docker Hub.
func (r *registry) repository() string {
	name := strings.Trim(r.target.URL.Path, "/")
	if r.host() == dockerHub && r.target.Kind != HelmRegistry && !strings.Contains(name, "/") {
		return "library/" + name
	}
	return name
}

// login asks the host that the challenge names for an anonymous token. It reports
// whether there is one.
func (r *registry) login(ctx context.Context, challenge string) bool {
	scheme, rest, _ := strings.Cut(challenge, " ")
	values := map[string]string{}
	for _, match := range regexp.MustCompile(`([a-z]+)="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		values[match[1]] = match[2]
	}
	realm, err := url.Parse(values["realm"])
	if !strings.EqualFold(scheme, "Bearer") || err != nil || realm.Host == "" {
		return r.asked("the registry asks for a login")
	}
	if failed := r.refusesRealm(realm); failed != nil {
		r.add("registry", []hop{{host: hostOf(r.url("/")), failure: failed}})
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
	if !r.add("token", r.visit(ctx, realm, nil, r.readJSON(&answer, "a token"))) {
		return false
	}
	r.token = cmp.Or(answer.Token, answer.AccessToken)
	return r.token != "" || r.asked("the token service gives no token without a login")
}

// refusesRealm is the failure of a token service that go-containerregistry does not ask,
// as it is in source-controller from v1.9.0 and image-reflector-controller from v1.2.0:
// https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/v1/remote/transport/bearer.go
func (r *registry) refusesRealm(realm *url.URL) *Failure {
	t := r.target
	if t.Kind == HelmRegistry || t.Kind == OCIRepository && t.before("1.9.0") || t.Kind == ImageRepository && t.before("1.2.0") {
		return nil
	}
	ip := net.ParseIP(realm.Hostname())
	switch {
	case realm.Scheme == "http" && r.scheme == "https":
		return failure(BadRealm, "invalid realm in www-authenticate: realm scheme \"http\" not allowed for a secure registry; use https")
	case realm.Host == t.URL.Host, ip == nil:
		return nil
	case ip.IsLoopback(), ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsPrivate(), ip.IsUnspecified():
		return failure(BadRealm, "invalid realm in www-authenticate: realm host %q is a private or link-local address", ip)
	default:
		return nil
	}
}

// asked is for a registry that wants a login: where the source has one, it is in
// doubt only.
func (r *registry) asked(text string) bool {
	h := hop{host: hostOf(r.url("/")), failure: r.unauthorized(text)}
	if r.target.sends() {
		r.doubt(CredentialsNotSent, "%s: the probe does not send the credentials of the source", text)
		h.failure = errAsked
	}
	r.add("registry", []hop{h})
	return false
}

// tags returns the tags of a repository.
func (r *registry) tags(ctx context.Context, repository string) []string {
	var list struct {
		Tags []string `json:"tags"`
	}
	r.get(ctx, "registry", repository, "/tags/list", &list, "the list of tags")
	return list.Tags
}

// pull asks for the smallest blob of an image: registries redirect such a request to
// where they keep them.
func (r *registry) pull(ctx context.Context, repository, reference string) {
	if reference == AnyVersion {
		tags := r.tags(ctx, repository)
		if len(tags) == 0 {
			return
		}
		reference = slices.Min(tags)
	}
	var manifest struct {
		Config    struct{ Digest string }
		Manifests []struct{ Digest string }
	}
	if !r.get(ctx, "registry", repository, "/manifests/"+reference, &manifest, "the manifest "+reference) {
		return
	}
	if manifest.Config.Digest == "" && len(manifest.Manifests) > 0 && digest.Get().MatchString(manifest.Manifests[0].Digest) {
		r.get(ctx, "registry", repository, "/manifests/"+manifest.Manifests[0].Digest, &manifest, "the manifest of a platform")
	}
	if digest.Get().MatchString(manifest.Config.Digest) {
		r.get(ctx, "blobs", repository, "/blobs/"+manifest.Config.Digest, nil, "a blob")
	}
}

// get asks for a part of a repository, and reports whether it is there.
func (r *registry) get(ctx context.Context, role, repository, path string, into any, what string) bool {
	header := http.Header{"Accept": {
		"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json", "*/*",
	}}
	if r.token != "" {
		header.Set("Authorization", "Bearer "+r.token)
	}
	return r.add(role, r.visit(ctx, r.url("/v2/"+repository+path), header, r.readJSON(into, what)))
}

// readJSON reads an answer, or looks at its start alone where nothing is wanted.
func (r *registry) readJSON(into any, what string) func(*http.Response) *Failure {
	return func(response *http.Response) *Failure {
		if failed := r.answered(response, what); failed != nil {
			return failed
		}
		start, failed := begin(response, what)
		if failed != nil || into == nil {
			return failed
		}
		if json.NewDecoder(io.LimitReader(io.MultiReader(bytes.NewReader(start), response.Body), maxManifest)).Decode(into) != nil {
			return failure(NotARegistry, "the answer is not JSON, and not %s", what)
		}
		return nil
	}
}
