package probe

import (
	"crypto/x509"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/util/version"
)

// Kind is what a source is to the controller that connects for it.
type Kind string

// The kinds.
const (
	HelmRepository Kind = "HelmRepository"
	// HelmRegistry is a HelmRepository of the type oci.
	HelmRegistry    Kind = "HelmRegistry"
	OCIRepository   Kind = "OCIRepository"
	ImageRepository Kind = "ImageRepository"
	Bucket          Kind = "Bucket"
	GitRepository   Kind = "GitRepository"
	Provider        Kind = "Provider"
	// Host is a host that a source needs besides: the protocol behind TLS is not
	// spoken.
	Host Kind = "Host"
)

// Target is something that a controller connects to, as the objects in a cluster
// describe it.
type Target struct {
	// Source names the object, such as "HelmRepository apps/charts".
	Source string
	Kind   Kind
	// Role says what the host is to the source (default: after Kind).
	Role string
	// Type is spec.type of a Provider, and spec.provider of everything else.
	Type string
	// Controller connects for the source.
	Controller Controller
	// URL has the scheme https, or http for a source that is named so. User names and
	// passwords in it are not used. A registry has its repository as the path.
	URL *url.URL
	// Content is what the controller asks the host for.
	Content Content
	// Insecure is spec.insecure.
	Insecure bool
	// Secrets are those that the object names.
	Secrets Secrets
	// Expected says why a source needs a host that it does not name, or is ""; Perhaps
	// tells that it may do without.
	Expected string
	Perhaps  bool
	// Remarks are what can be said without a connection.
	Remarks Remarks
}

// Controller is what counts of the controller that connects.
type Controller struct {
	// Version, such as "1.7.3", or "" for the newest that is known.
	Version string
	// Bundle is set when it trusts the bundle; else Without says why it does not.
	Bundle  bool
	Without Without
	// NegativeSerials is set when it accepts certificates with a negative serial number
	// (GODEBUG=x509negativeserial=1).
	NegativeSerials bool
	// HTTPSProxy, HTTPProxy and NoProxy are the values of its environment. Where the
	// first two are "", Options.Proxy counts.
	HTTPSProxy, HTTPProxy, NoProxy string
}

// Without says why a controller does not trust the bundle.
type Without string

// The reasons.
const (
	// WithoutMount means that no controller gets it.
	WithoutMount Without = "Mount"
	// WithoutController means that this one is left out.
	WithoutController Without = "Controller"
)

// Content is what a controller asks a host for.
type Content struct {
	// Reference is the tag or digest of an OCIRepository (default: latest), or "*" for
	// one that a range of versions chooses.
	Reference string
	// Charts of a HelmRegistry, by name, with the version as a tag or "*".
	Charts map[string]string
	// Bucket is the name of a bucket.
	Bucket string
}

// Secrets are those that an object names; nil means that it names none.
type Secrets struct {
	// Cert is that of spec.certSecretRef, Auth of spec.secretRef, Proxy of
	// spec.proxySecretRef.
	Cert, Auth, Proxy *Secret
	// ProxyURL is spec.proxy of a Provider, with its password.
	ProxyURL string
	// ServiceAccount tells that credentials may come from a service account.
	ServiceAccount bool
}

// Secret is a Secret as the API server would return it.
type Secret struct {
	Namespace, Name, Type string
	Data                  map[string][]byte
	// Unknown says why Data is not known, such as "it is not among the inputs".
	Unknown string
}

// Remarks are what can be said of a target without a connection. None of the texts may
// name a secret value.
type Remarks struct {
	// Skip says why there is nothing to connect to, Problem what is wrong already.
	Skip, Problem string
	// Doubts say what cannot be known.
	Doubts []*Failure
	// Notes are said in the report.
	Notes []string
}

// Options of a run.
type Options struct {
	// System are the public roots that stand for those in the image of the
	// controllers.
	System *x509.CertPool
	// ReplaceSystem tells that controllers with the bundle trust nothing else.
	ReplaceSystem bool
	// Bundle holds the certificates that the controllers trust.
	Bundle []*x509.Certificate
	// BundleUnknown says why a part of the bundle is not known, or is "".
	BundleUnknown string
	// Proxy returns the proxy for a URL, or nil for none (default: none).
	// EnvironmentProxy is what the controllers do.
	Proxy func(*url.URL) (*url.URL, error)
	// Timeout of a connection with all that is read from it (default 30 s).
	Timeout time.Duration
	// Concurrency is the number of connections at a time (default 16).
	Concurrency int
	// Progress is told how many of the targets are done, one call at a time, or nil.
	Progress func(done, total int)
}

// Defaults of Options.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 16
)

// before reports whether the controller is older than a version.
func (t *Target) before(limit string) bool {
	have, err := version.ParseGeneric(t.Controller.Version)
	return err == nil && have.LessThan(version.MustParseGeneric(limit))
}

// sends reports whether the controller has credentials for the host, which the
// probe does not send.
func (t *Target) sends() bool {
	if t.Secrets.ServiceAccount || t.Kind != Provider && t.Type != "" && t.Type != "generic" {
		return true
	}
	auth := t.Secrets.Auth
	if auth == nil {
		return t.URL != nil && t.URL.User != nil
	}
	if auth.Unknown != "" {
		return true
	}
	if t.readsPullSecret() {
		return auth.hasLogin(t.URL)
	}
	for key := range auth.Data {
		switch key {
		case kubernetesKeys.ca, kubernetesKeys.cert, kubernetesKeys.key, legacyKeys.ca, legacyKeys.cert, legacyKeys.key:
		default:
			return true
		}
	}
	return false
}

// readsPullSecret reports whether a login is read from Secrets with a Docker config
// alone: others are passed over in silence.
func (t *Target) readsPullSecret() bool {
	return t.Kind == OCIRepository || t.Kind == ImageRepository && t.flux27()
}
