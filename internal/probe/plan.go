package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// settings are how a controller connects, once it has read what an object names.
type settings struct {
	bundle  bool
	without Without
	// negative tells that negative serial numbers are accepted.
	negative bool
	// credentials are those of the object, from where it names them. alone tells that
	// its roots replace all others.
	credentials
	from  string
	alone bool
	// pinned is the name that is expected from every host, or "".
	pinned string
	// unverified tells that no certificate is looked at.
	unverified bool
	// proxy of the object, or nil; direct tells that HTTPS_PROXY is not looked at.
	proxy  *url.URL
	direct bool
	// environment has the proxies of the controller.
	environment httpproxy.Config
}

// plan is what a controller will do for a target.
type plan struct {
	settings
	// doubts say what cannot be known; unsure is how to find out what may help
	// against a failure of trust, or "".
	doubts []*Failure
	unsure string
}

// key is equal for settings that can share a client.
func (s *settings) key() string {
	sum := sha256.New()
	for _, c := range s.ca {
		sum.Write(c.Raw)
	}
	if s.pair != nil {
		for _, der := range s.pair.Certificate {
			sum.Write(der)
		}
	}
	return fmt.Sprint(s.bundle, s.without, s.negative, s.alone, s.from, s.pinned, s.unverified, s.proxy, s.direct, s.environment, hex.EncodeToString(sum.Sum(nil)))
}

// plan does what the controller does before it connects. The rules are those of its
// version; each reader of a Secret names its source.
func (t *Target) plan() (*plan, *Failure) {
	p := &plan{settings: settings{
		bundle: t.Controller.Bundle, without: t.Controller.Without, from: fromObject, negative: t.Controller.NegativeSerials || t.before(flux24(t.Kind)),
		environment: httpproxy.Config{HTTPProxy: t.Controller.HTTPProxy, HTTPSProxy: t.Controller.HTTPSProxy, NoProxy: t.Controller.NoProxy},
	}}
	for _, step := range []func(*plan) *Failure{t.readProxy, t.readCert, t.readAuth, t.leaveProxy} {
		if failed := step(p); failed != nil {
			return nil, failed
		}
	}
	return p, nil
}

// use returns a Secret if it is known, and else notes down that it is not.
func (p *plan) use(s *Secret, field string) *Secret {
	if s == nil || s.Unknown == "" {
		return s
	}
	p.doubts = append(p.doubts, failure(SecretUnknown, "Secret %s/%s of %s is not known: %s", s.Namespace, s.Name, field, s.Unknown))
	if field != "proxySecretRef" {
		p.unsure = fmt.Sprintf("put Secret %s/%s, which %s names, among the inputs: it may hold what is missing here", s.Namespace, s.Name, field)
	}
	return nil
}

// readCert reads spec.certSecretRef.
func (t *Target) readCert(p *plan) *Failure {
	named := t.Secrets.Cert
	if t.Kind == Bucket && t.before("1.4.0") {
		named = nil // there is no such field
	}
	if t.Kind == OCIRepository && named == nil && t.Insecure {
		p.unverified = true
	}
	s := p.use(named, "certSecretRef")
	if s == nil {
		return nil
	}
	c, failed := t.readTLS(s, p)
	if failed != nil {
		return failed
	}
	p.take(c, t.Kind == Provider)
	return nil
}

// readTLS reads the Secret of spec.certSecretRef as the kind and the version do.
func (t *Target) readTLS(s *Secret, p *plan) (c *credentials, failed *Failure) {
	switch {
	case t.flux27():
		return s.read()
	case t.Kind == Provider:
		return s.readProvider()
	}
	if c, failed = s.readSet(kubernetesKeys, false); failed != nil {
		return nil, failed
	}
	switch {
	case t.Kind == OCIRepository || t.Kind == ImageRepository:
		if c == nil {
			return s.readSet(legacyKeys, false)
		}
	case t.Kind == Bucket && c == nil:
		return nil, failure(NoCA, "certificate secret does not contain any TLS configuration")
	case t.Kind == Bucket:
		// It takes the endpoint for a URL, which a port makes impossible for an address.
		if _, err := url.Parse(t.URL.Host); err != nil {
			return nil, failure(BadSource, "cannot parse repository URL: first path segment in URL cannot contain colon: source-controller before v1.7.0 takes no certSecretRef for the address %s", t.URL.Host)
		}
	case c != nil:
		p.pinned = t.URL.Hostname()
	}
	return c, nil
}

// take trusts what a Secret gives.
func (p *plan) take(c *credentials, alone bool) {
	if c == nil {
		return
	}
	p.credentials, p.alone = *c, alone && len(c.ca) > 0
}

// readAuth reads spec.secretRef, as far as it is about TLS or is refused.
func (t *Target) readAuth(p *plan) *Failure {
	s := t.Secrets.Auth
	if t.Kind == Host || s == nil {
		return nil
	}
	if s.Unknown != "" {
		field := "secretRef"
		if p.use(s, field); t.Kind != GitRepository && t.Kind != HelmRepository {
			p.unsure = "" // no CA is read from it
		}
		return nil
	}
	switch t.Kind {
	case GitRepository:
		return t.readGit(p, s)
	case HelmRepository, HelmRegistry:
		return t.readHelm(p, s)
	case Bucket:
		return t.readBucket(s)
	case Provider:
		return t.readProvider(p, s)
	default: // registries
		if t.readsPullSecret() {
			_, failed := s.logins()
			return failed
		}
	}
	return nil
}

func (t *Target) readGit(p *plan, s *Secret) *Failure {
	if len(s.Data["username"]) == 0 && len(s.Data["password"]) > 0 && len(s.Data["bearerToken"]) == 0 {
		return failure(BadLogin, "invalid '%s' auth option: 'password' requires 'username' to be set", t.URL.Scheme)
	}
	c, failed := s.readGit(!t.before("1.6.0"))
	if failed != nil {
		return failed
	}
	p.from = fromAuth
	p.take(c, false)
	return nil
}

// readHelm reads the login, and the CA and the pair that are deprecated there.
// https://github.com/fluxcd/source-controller/blob/v1.9.6/internal/helm/getter/client_opts.go
func (t *Target) readHelm(p *plan, s *Secret) *Failure {
	if failed := t.checkLogin(s); failed != nil {
		return failed
	}
	if t.Kind == HelmRegistry {
		if failed := t.readLogin(p, s); failed != nil || !t.flux27() {
			return failed
		}
	}
	c, failed := t.deprecated(p, s)
	if failed == nil && p.empty() && !c.empty() {
		p.from = fromAuth
		p.take(c, t.loginAlone(s, s))
	}
	return failed
}

// checkLogin refuses half a login.
func (t *Target) checkLogin(s *Secret) *Failure {
	user, hasUser := s.Data["username"]
	password, hasPassword := s.Data["password"]
	switch {
	case !t.flux27() && len(user) > 0 != (len(password) > 0):
		return failure(BadLogin, "invalid '%s' secret data: required fields 'username' and 'password'", s.Name)
	case t.flux27() && hasUser && !hasPassword:
		return failure(BadLogin, "secret %s: malformed basic auth - has 'username' but missing 'password'", s)
	case t.flux27() && !hasUser && hasPassword:
		return failure(BadLogin, "secret %s: malformed basic auth - has 'password' but missing 'username'", s)
	default:
		return nil
	}
}

// deprecated reads the CA and the pair in the Secret of the login.
func (t *Target) deprecated(p *plan, s *Secret) (c *credentials, failed *Failure) {
	switch {
	case !t.flux27() && p.empty():
		if c, failed = s.readSet(legacyKeys, true); c != nil {
			p.pinned = t.URL.Hostname()
		}
		return c, failed
	case !t.flux27():
		return nil, nil
	}
	if c, failed = s.read(); failed != nil && (failed.Code == NoCA || failed.Code == HalfPair) {
		return nil, nil // that is no error there
	}
	return c, failed
}

// readLogin looks for the host in a Docker config.
// https://github.com/fluxcd/source-controller/blob/v1.9.6/internal/helm/registry/auth.go
func (t *Target) readLogin(p *plan, s *Secret) *Failure {
	if s.Type == "kubernetes.io/dockerconfigjson" {
		var config struct {
			Auths map[string]json.RawMessage `json:"auths"`
		}
		if err := json.Unmarshal(s.Data[".dockerconfigjson"], &config); err != nil {
			return failure(BadLogin, "unable to load Docker config from Secret '%s'", s.Name)
		}
		found := false
		for host := range config.Auths {
			found = found || dockerHost(host) == t.URL.Host
		}
		if !found {
			return failure(BadLogin, "no auth config for '%s' in the docker-registry Secret '%s'", t.URL.Host, s.Name)
		}
	}
	if t.Secrets.Cert != nil {
		p.alone = len(p.ca) > 0 && t.loginAlone(s, t.Secrets.Cert)
	}
	return nil
}

// dockerHost is the host of an entry in a Docker config.
func dockerHost(entry string) string {
	entry = strings.TrimPrefix(strings.TrimPrefix(entry, "https://"), "http://")
	host, _, _ := strings.Cut(entry, "/")
	return host
}

// loginAlone reports whether the login to a registry replaces all roots by the ca.crt
// of a Secret, as Helm 3.19 in source-controller v1.7 does. Without a user there is no
// login.
// https://github.com/helm/helm/blob/v3.19.0/pkg/registry/client.go
func (t *Target) loginAlone(login, cert *Secret) bool {
	_, ca := cert.Data[kubernetesKeys.ca]
	user := login.Type == "kubernetes.io/dockerconfigjson" || len(login.Data["username"]) > 0
	return ca && user && t.Kind == HelmRegistry && t.flux27() && t.before("1.8.0")
}

// readProvider reads the CA of a Provider that sets the status of commits: it stands
// alone, too.
// https://github.com/fluxcd/notification-controller/blob/v1.9.0/internal/server/event_handlers.go
func (t *Target) readProvider(p *plan, s *Secret) *Failure {
	if t.Secrets.Cert != nil || !t.flux27() || !SetsCommitStatus(t.Type) {
		return nil
	}
	c, failed := s.read()
	if failed != nil && (failed.Code == NoCA || failed.Code == HalfPair) {
		return nil
	}
	if failed == nil {
		p.from = fromAuth
		p.take(c, true)
	}
	return failed
}

// SetsCommitStatus reports whether Providers of a type are Git servers, which get the
// status of a commit. Their CA stands beside the token:
// https://fluxcd.io/flux/components/notification/providers/
func SetsCommitStatus(providerType string) bool {
	return slices.Contains([]string{"github", "gitlab", "gitea", "bitbucketserver", "bitbucket", "azuredevops"}, providerType)
}

// readProxy finds the proxy of an object, and whether the controller looks at
// HTTPS_PROXY.
func (t *Target) readProxy(p *plan) *Failure {
	named := t.Secrets.Proxy
	switch {
	case t.Kind == HelmRepository, t.Kind == HelmRegistry,
		t.before("1.4.0") && (t.Kind == Bucket || t.Kind == OCIRepository),
		t.before("0.33.0") && t.Kind == ImageRepository, t.before("1.7.0") && t.Kind == Provider:
		named = nil // there is no such field
	}
	if s := p.use(named, "proxySecretRef"); s != nil {
		return t.proxyOf(p, s)
	}
	if address := t.Secrets.ProxyURL; address != "" {
		u, err := url.Parse(address)
		if err != nil {
			return failure(BadProxy, "unable to parse proxy URL") // it may hold a password
		}
		p.proxy = u
	}
	return nil
}

// proxyOf reads the Secret of spec.proxySecretRef.
func (t *Target) proxyOf(p *plan, s *Secret) *Failure {
	data, ok := s.Data["address"]
	old := !t.flux27()
	switch {
	case !ok && old:
		return failure(BadProxy, "invalid proxy secret %s: key 'address' is missing", s)
	case !ok:
		return failure(BadProxy, "secret %s: key 'address' not found", s)
	case len(data) == 0 && !old:
		return failure(BadProxy, "secret %s: proxy address is empty", s)
	case len(data) == 0 && t.Kind == GitRepository:
		return nil // go-git takes it for no proxy
	}
	u, err := url.Parse(string(data))
	if err != nil {
		return failure(BadProxy, "secret %s: failed to parse proxy address", s)
	}
	if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) || u.Host == "" {
		return failure(BadProxy, "secret %s: proxy URL must use one of the supported schemes (http, https, socks5), got '%s'", s, oneLine(u.Scheme))
	}
	if user, ok := s.Data["username"]; ok {
		u.User = url.UserPassword(string(user), string(s.Data["password"]))
	}
	p.proxy = u
	return nil
}

// leaveProxy finds out whether the controller looks at HTTPS_PROXY, and at the proxy
// that the object names: a transport of its own for TLS mostly has none.
func (t *Target) leaveProxy(p *plan) *Failure {
	own := !p.empty()
	switch {
	case t.Kind == HelmRegistry:
		// https://github.com/fluxcd/source-controller/blob/v1.3.0/internal/helm/registry/client.go
		p.direct = own && t.before("1.4.0")
	case t.Kind == Provider && t.Type == "gitea":
		p.direct = true
	case t.Kind == Provider && SetsCommitStatus(t.Type): // gitea has its own row
		p.direct, p.proxy = own, nil
	case t.Kind == Provider && t.Type == "sentry":
		p.direct, p.proxy = true, nil
	case t.Kind == Provider:
		p.direct = own && (t.Type == "datadog" || !t.flux27())
	}
	return nil
}

// flux24 is the first version of a controller that was built with Go 1.23, which
// refuses negative serial numbers: https://go.dev/doc/go1.23#cryptox509pkgcryptox509
func flux24(kind Kind) string {
	if kind == ImageRepository {
		return "0.33.0"
	}
	return "1.4.0"
}

// Flux27 is the first version of a controller of Flux 2.7, which reads Secrets another way,
// of any type: https://github.com/fluxcd/pkg/blob/main/runtime/secrets/converter.go
func Flux27(kind Kind) string {
	if kind == ImageRepository {
		return "1.0.0"
	}
	return "1.7.0"
}

// flux27 reports whether a controller is that of Flux 2.7 or newer.
func (t *Target) flux27() bool { return !t.before(Flux27(t.Kind)) }
