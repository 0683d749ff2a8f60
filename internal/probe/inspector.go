package probe

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"strings"

	"fluxtrust.dev/flux-trust/internal/bundle"
)

// inspectors are words in the names of roots that proxies make, in lower case.
func inspectors() []string {
	return []string{
		"zscaler", "netskope", "palo alto", "fortinet", "fortigate", "blue coat", "bluecoat", "umbrella", "forcepoint", "websense", "sophos",
		"check point", "checkpoint", "barracuda", "mcafee", "skyhigh", "trellix", "iboss", "gateway ca - cloudflare", "menlo security", "watchguard",
		"sonicwall", "squid", "mitmproxy", "smoothwall", "untangle", "lightspeed", "kaspersky", "inspection", "decrypt", "intercept", "proxy",
	}
}

// looksInspecting returns the word that gives a proxy away, or "".
func looksInspecting(name string) string {
	name = strings.ToLower(name)
	for _, word := range inspectors() {
		if strings.Contains(name, word) {
			return word
		}
	}
	return ""
}

// isSelfIssued tells whether a certificate names itself as its issuer.
func isSelfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// inspector says of a connection that its root looks like that of a proxy and is
// not in the bundle. domains are those that roots unknown to the controllers sign,
// by the name of the root.
func (h *hop) inspector(domains map[string]map[string]bool) *Inspector {
	if h.root != nil {
		word := looksInspecting(h.root.Subject.String())
		if word == "" || len(h.trustedBy) != 1 || h.trustedBy[0] != fromSystem {
			return nil
		}
		return &Inspector{
			Subject: oneLine(h.root.Subject.String()), Fingerprint: bundle.Fingerprint(h.root),
			Why: fmt.Sprintf("its name holds %q; the system roots of this machine have it, those in the image of the controllers mostly do not", word),
		}
	}
	name := h.unknownRoot()
	if name == "" {
		return nil
	}
	i := &Inspector{Subject: oneLine(name)}
	if last := h.chain[len(h.chain)-1]; isSelfIssued(last) {
		i.Fingerprint = bundle.Fingerprint(last)
	}
	if word := looksInspecting(name); word != "" {
		i.Why = fmt.Sprintf("its name holds %q", word)
		return i
	}
	if n := len(domains[name]); n > 1 {
		i.Why = fmt.Sprintf("it signs the hosts of %d domains", n)
		return i
	}
	return nil
}

// unknownRoot returns the name of the root that the controller does not know.
func (h *hop) unknownRoot() string {
	if h.failure == nil || h.failure.Code != UnknownAuthority || len(h.chain) == 0 {
		return ""
	}
	return h.chain[len(h.chain)-1].Issuer.String()
}

// domain returns the last two labels of a host, or the address.
func domain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return host
	}
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}
