package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// keyNames are those under which a Secret has what TLS needs.
type keyNames struct{ cert, key, ca string }

var (
	kubernetesKeys = keyNames{"tls.crt", "tls.key", "ca.crt"}  //nolint:gochecknoglobals // a constant
	legacyKeys     = keyNames{"certFile", "keyFile", "caFile"} //nolint:gochecknoglobals // a constant
)

// credentials are what a Secret gives for TLS.
type credentials struct {
	ca   []*x509.Certificate
	pair *tls.Certificate
}

func (c *credentials) empty() bool { return c == nil || c.pair == nil && len(c.ca) == 0 }

// String names a Secret as the controllers do.
func (s *Secret) String() string { return fmt.Sprintf("'%s/%s'", s.Namespace, s.Name) }

func (s *Secret) opaque() bool { return IsOpaque(s.Type) }

// IsOpaque reports whether the type of a Secret is one that the controllers took for TLS
// before Flux 2.7.
func IsOpaque(kind string) bool {
	return kind == "" || kind == "Opaque" || kind == "kubernetes.io/tls"
}

// readSet reads keys as source-controller before v1.7.0 and image-reflector-controller
// before v1.0.0 did: nothing is no error, and gives nil.
// https://github.com/fluxcd/source-controller/blob/v1.6.2/internal/tls/config.go
func (s *Secret) readSet(keys keyNames, anyType bool) (*credentials, *Failure) {
	if !anyType && !s.opaque() {
		return nil, failure(SecretType, "cannot use secret '%s' to construct TLS config: invalid secret type: '%s'", s.Name, s.Type)
	}
	cert, key, ca := s.Data[keys.cert], s.Data[keys.key], s.Data[keys.ca]
	switch {
	case len(cert)+len(key)+len(ca) == 0:
		return nil, nil
	case len(cert) == 0 != (len(key) == 0):
		return nil, failure(HalfPair, "invalid '%s' secret data: both certificate and private key need to be provided", s.Name)
	}
	c := &credentials{}
	if err := c.usePair(cert, key); err != nil {
		return nil, failure(BadPair, "%s", err)
	}
	if len(ca) > 0 {
		if c.ca = certificatesIn(ca); len(c.ca) == 0 {
			return nil, failure(BadCA, "cannot append certificate into certificate pool: invalid CA certificate")
		}
	}
	return c, nil
}

// read reads a Secret as every controller of Flux 2.7 and newer does.
// https://github.com/fluxcd/pkg/blob/main/runtime/secrets/converter.go
func (s *Secret) read() (*credentials, *Failure) {
	get := func(key, legacy string) []byte {
		if data, ok := s.Data[key]; ok {
			return data
		}
		return s.Data[legacy]
	}
	cert, key, ca := get(kubernetesKeys.cert, legacyKeys.cert), get(kubernetesKeys.key, legacyKeys.key), get(kubernetesKeys.ca, legacyKeys.ca)
	switch {
	case len(cert) > 0 && len(key) == 0:
		return nil, failure(HalfPair, "secret %s contains 'tls.crt' but missing 'tls.key'", s)
	case len(cert) == 0 && len(key) > 0:
		return nil, failure(HalfPair, "secret %s contains 'tls.key' but missing 'tls.crt'", s)
	case len(cert)+len(ca) == 0:
		return nil, failure(NoCA, "secret %s must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'", s)
	}
	c := &credentials{}
	if err := c.usePair(cert, key); err != nil {
		return nil, failure(BadPair, "failed to parse TLS certificate and key: %s", err)
	}
	if len(ca) > 0 {
		if c.ca = certificatesIn(ca); len(c.ca) == 0 {
			return nil, failure(BadCA, "failed to parse CA certificate")
		}
	}
	return c, nil
}

// readProvider reads a Secret as notification-controller before v1.7.0 did, which
// knows no client certificates.
// https://github.com/fluxcd/notification-controller/blob/v1.6.0/internal/server/event_handlers.go
func (s *Secret) readProvider() (*credentials, *Failure) {
	if !s.opaque() {
		return nil, failure(SecretType, "cannot use Secret '%s' to get TLS certificate: invalid Secret type: '%s'", s.Name, s.Type)
	}
	ca, ok := s.Data[kubernetesKeys.ca]
	if !ok {
		ca, ok = s.Data[legacyKeys.ca]
	}
	if !ok {
		return nil, failure(NoCA, "no 'ca.crt' key found in Secret '%s'", s.Name)
	}
	c := &credentials{ca: certificatesIn(ca)}
	if len(c.ca) == 0 {
		return nil, failure(BadCA, "could not append to cert pool")
	}
	return c, nil
}

// readGit reads the Secret of a GitRepository: a CA that cannot be read is passed
// over in silence, and half a pair as well.
// https://github.com/go-git/go-git/blob/v5.19.1/plumbing/transport/http/common.go
func (s *Secret) readGit(pairs bool) (*credentials, *Failure) {
	ca := s.Data[kubernetesKeys.ca]
	if len(ca) == 0 {
		ca = s.Data[legacyKeys.ca]
	}
	c := &credentials{ca: certificatesIn(ca)}
	cert, key := s.Data[kubernetesKeys.cert], s.Data[kubernetesKeys.key]
	if pairs && len(cert) > 0 && len(key) > 0 {
		if err := c.usePair(cert, key); err != nil {
			return nil, failure(BadPair, "%s", err)
		}
	}
	return c, nil
}

func (c *credentials) usePair(cert, key []byte) error {
	if len(cert) == 0 || len(key) == 0 {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err //nolint:wrapcheck // the text is that of the controller
	}
	c.pair = &pair
	return nil
}

// certificatesIn returns what CertPool.AppendCertsFromPEM of a controller takes: it
// passes over what it cannot read. Negative serial numbers are left to newTrust.
func certificatesIn(text []byte) []*x509.Certificate {
	var found []*x509.Certificate
	for len(text) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = append(found, c)
		}
	}
	return found
}

// readBucket refuses half a login.
func (t *Target) readBucket(s *Secret) *Failure {
	_, access := s.Data["accesskey"]
	_, secret := s.Data["secretkey"]
	if t.Type != "azure" && t.Type != "gcp" && (!access || !secret) {
		return failure(BadLogin, "invalid '%s' secret data: required fields 'accesskey' and 'secretkey'", s.Name)
	}
	return nil
}

// logins returns the entries of a Docker config, by host and path.
// https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/authn/kubernetes/keychain.go
func (s *Secret) logins() (entries map[string]json.RawMessage, failed *Failure) {
	var config struct {
		Auths map[string]json.RawMessage `json:"auths"`
	}
	var err error
	switch {
	case s.Type == "kubernetes.io/dockerconfigjson" && len(s.Data[".dockerconfigjson"]) > 0:
		err = json.Unmarshal(s.Data[".dockerconfigjson"], &config)
	case s.Type == "kubernetes.io/dockercfg" && len(s.Data[".dockercfg"]) > 0:
		err = json.Unmarshal(s.Data[".dockercfg"], &config.Auths)
	}
	if err != nil { // it may show a part of a password
		return nil, failure(BadLogin, "the Docker config in Secret %s is not JSON, or has another form", s)
	}
	return config.Auths, nil
}

// hasLogin reports whether a Docker config has a login for a repository.
func (s *Secret) hasLogin(repository *url.URL) bool {
	host := repository.Host
	if host == "docker.io" {
		host = dockerHub
	}
	entries, _ := s.logins() // plan has refused what cannot be read
	for entry := range entries {
		_, rest, found := strings.Cut(entry, "://")
		if !found {
			rest = entry
		}
		name, path, _ := strings.Cut(rest, "/")
		path = strings.TrimPrefix(strings.TrimPrefix(path, "v1/"), "v2/")
		if matchesHost(name, host) && strings.HasPrefix(strings.TrimPrefix(repository.Path, "/"), path) {
			return true
		}
	}
	return false
}

// matchesHost reports whether a host is the one of an entry, each label of which may be a
// pattern.
func matchesHost(pattern, host string) bool {
	patterns, labels := strings.Split(pattern, "."), strings.Split(host, ".")
	return len(patterns) == len(labels) && !slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := filepath.Match(p, labels[0])
		labels = labels[1:]
		return err != nil || !ok
	})
}
