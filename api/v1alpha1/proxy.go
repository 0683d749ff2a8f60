package v1alpha1

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
)

// DefaultProxyKey is the key of a Secret that holds the URL of a proxy, as in the
// Secrets of Flux's proxySecretRef.
const DefaultProxyKey = "address"

// Proxy says through which proxy the controllers reach what is outside of the cluster:
// the env variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY. What the variables were
// before is kept, and comes back when the proxy is taken out of the config. Of HTTPS
// and HTTP at least one is set, or SecretRef.
type Proxy struct {
	// HTTPS is the URL of the proxy for https:// without credentials, such as
	// http://proxy.example.com:3128 (default: none).
	HTTPS string `json:"https,omitempty"`
	// HTTP is the URL of the proxy for http:// without credentials (default: none).
	HTTP string `json:"http,omitempty"`
	// No lists what is reached directly: hosts, domains (.example.com), addresses and
	// networks (10.0.0.0/8). The function adds what Flux needs inside the cluster, and
	// what the controllers list already.
	No []string `json:"no,omitempty"`
	// SecretRef names a Secret that holds the URL, where that has credentials. It
	// takes the place of HTTPS and HTTP.
	SecretRef *ProxySecret `json:"secretRef,omitempty"`
}

// SecretName returns the name of the Secret with the URL, or "".
func (x *Proxy) SecretName() string {
	if x == nil || x.SecretRef == nil {
		return ""
	}
	return x.SecretRef.Name
}

// IsProxyScheme reports whether Go takes a URL with a scheme for that of a proxy.
func IsProxyScheme(scheme string) bool {
	return slices.Contains([]string{"http", "https", "socks5", "socks5h"}, scheme)
}

// ProxySecret selects the key of a Secret with the URL of a proxy.
type ProxySecret struct {
	// Name of the Secret in the namespace of the controllers, as written in its
	// manifest. Required.
	Name string `json:"name"`
	// Key that holds the whole URL, credentials included, percent-encoded: the value
	// of both HTTPS_PROXY and HTTP_PROXY (default: address).
	Key string `json:"key,omitempty"`
}

const exampleProxy = "http://proxy.example.com:3128"

func (x *Proxy) validate(p *problems) {
	const at = "spec.proxy"
	switch {
	case x.SecretRef == nil && x.HTTPS == "" && x.HTTP == "":
		p.add(at, "names no proxy; write https: %s, or secretRef for one with credentials", exampleProxy)
	case x.SecretRef != nil && (x.HTTPS != "" || x.HTTP != ""):
		p.add(at+".secretRef", "takes the place of https and http; remove one of the two")
	}
	checkProxyURL(p, at+".https", x.HTTPS)
	checkProxyURL(p, at+".http", x.HTTP)
	if x.SecretRef != nil {
		p.checkSource(at+".secretRef", x.SecretRef.Name, "a Secret", nil, map[string]string{})
		if key := x.SecretRef.Key; key != "" && !krm.IsDataKey(key) {
			p.add(at+".secretRef.key", "%s cannot be a key; keys consist of at most 253 letters, digits, '-', '_' and '.'", show(key))
		}
	}
	for i, entry := range x.No {
		at := fmt.Sprintf("%s.no[%d]", at, i)
		switch {
		case entry == "*":
			p.add(at, "sends nothing through the proxy; remove it, or spec.proxy")
		case !noProxyEntry.Get().MatchString(entry):
			shown := show(entry)
			if strings.Contains(entry, "@") { // as in the URL of a proxy with its password
				shown = "the value"
			}
			p.add(at, "%s is not a host, a domain, an address or a network; write for example .example.com or 10.0.0.0/8, each as an entry of its own, without http://", shown)
		case slices.Contains(x.No[:i], entry):
			p.add(at, "%s appears twice; remove one", show(entry))
		}
	}
}

// noProxyEntry matches what Go reads in NO_PROXY, brackets around an IPv6 address
// included.
var noProxyEntry = pattern.Pattern{Text: `^(\*?\.?[A-Za-z0-9_][-A-Za-z0-9_.]*(:\d+)?|[0-9.]+/\d+|\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\]?(:\d+|/\d+)?)$`}

// checkProxyURL refuses what Go does not take for a proxy, and credentials, which are
// never repeated.
func checkProxyURL(p *problems, at, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case strings.Contains(value, "@"):
		p.add(at, "holds credentials, which must not stand in a manifest; put the whole URL under the key %s into a Secret, and write secretRef: {name: …} instead", DefaultProxyKey)
	case strings.Contains(value, "$"):
		p.add(at, "holds a variable; write the URL itself, such as %s", exampleProxy)
	case err != nil || !strings.Contains(value, "://"):
		p.add(at, "is not a URL; write for example %s", exampleProxy)
	case !IsProxyScheme(u.Scheme):
		p.add(at, "has the scheme %s, which Go does not take for a proxy; write http://, https:// or socks5://, and the host", show(u.Scheme))
	case u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		p.add(at, "is not the URL of a proxy, which has a host and a port alone; write for example %s", exampleProxy)
	}
}
