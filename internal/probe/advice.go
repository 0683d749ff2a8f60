package probe

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/bundle"
)

// advise makes a failure of trust more precise by what the host has presented and by
// what the controller trusts.
func (c *client) advise(f *Failure, err error, h *hop, u *url.URL) {
	switch f.Code {
	case UnknownAuthority, RenewedRoot:
		c.adviseRoot(f, h, u)
	case WrongName, CommonName, NoIPAddress:
		c.adviseName(f, h, u)
	case Expired:
		adviseExpired(f, h)
	case ProxyTLS:
		c.adviseProxy(f, err, h, u)
	default:
	}
}

// become gives a failure another code, and a cure of its own if there is one.
func (f *Failure) become(code Code, cure string, args ...any) {
	f.Code, f.Cure = code, code.Cure()
	if cure != "" {
		f.Cure = fmt.Sprintf(cure, args...)
	}
}

// adviseRoot says what is missing under a chain.
func (c *client) adviseRoot(f *Failure, h *hop, u *url.URL) {
	if len(h.chain) == 0 {
		return
	}
	last := h.chain[len(h.chain)-1]
	if left := carriers(c.trust.left, h.chain, c.expects(u)); len(left) > 0 {
		c.adviseLeft(f, left)
		return
	}
	for _, have := range c.trust.known {
		switch {
		case bytes.Equal(have.Raw, last.Raw), !bytes.Equal(have.RawSubject, last.RawIssuer):
		case last.CheckSignatureFrom(have) != nil:
			f.become(RenewedRoot, "there is another certificate with the name %q among the roots (%s): it has been renewed, or there are two; add the one that signed this chain to spec.caBundle, and keep the old one until nothing needs it", oneLine(have.Subject.String()), bundle.Fingerprint(have))
			return
		}
	}
	switch {
	case isSelfIssued(last) && len(h.chain) == 1:
		f.become(SelfSigned, "")
	case isSelfIssued(last):
		f.Cure = fmt.Sprintf("compare the root %q (%s) with what its owner gives you, and add it to spec.caBundle", oneLine(last.Subject.String()), bundle.Fingerprint(last))
	case len(h.chain) == 1:
		f.Cure = fmt.Sprintf("add the root above %q to spec.caBundle; the host presents its own certificate alone, so when %[1]q is an intermediate, let the host send it too", oneLine(last.Issuer.String()))
	default:
		f.Cure = fmt.Sprintf("add the root %q, which signed the chain, to spec.caBundle", oneLine(last.Issuer.String()))
	}
}

// adviseLeft is for a chain under a root that is there, and that the controller does
// not use here.
func (c *client) adviseLeft(f *Failure, left []string) {
	switch {
	case c.alone:
		f.become(RootsReplaced, "put the root of this host into the Secret of %s as well: the controller trusts ca.crt there alone, and not the %s", c.from, strings.Join(left, ", the "))
	case slices.Contains(left, fromBundle):
		f.become(BundleNotMounted, "")
	default:
		f.become(RootsReplaced, "write systemRoots: Append under spec.mount, or add the root to spec.caBundle: the public roots carry this chain, and systemRoots: Replace takes them away")
	}
}

// adviseName says why the certificate is that of another name.
func (c *client) adviseName(f *Failure, h *hop, u *url.URL) {
	if c.isPinned(u) {
		switch carried := carriers(c.trust.parts, h.chain, u.Hostname()); {
		case slices.Contains(carried, fromBundle), slices.Contains(carried, fromSystem):
			f.become(PinnedName, "remove spec.certSecretRef from the HelmRepository: the controller trusts the roots of this host by itself (%s); or upgrade to Flux 2.7", strings.Join(carried, ", "))
		case c.bundle:
			f.become(PinnedName, "add the root of this host to spec.caBundle and remove spec.certSecretRef from the HelmRepository, or upgrade to Flux 2.7")
		default:
			f.become(PinnedName, "")
		}
		return
	}
	if len(h.chain) == 0 {
		return
	}
	leaf, name := h.chain[0], strings.ToLower(u.Hostname())
	switch by := defaultCertificate(leaf); {
	case by != "":
		f.become(DefaultCertificate, "this is the certificate that %s has when it does not know the name: let DNS lead %s to the right address, or let the owner of the ingress add the host", by, name)
	case f.Code != WrongName:
	case !strings.Contains(name, ".") && longer(leaf, name) != "":
		f.Cure = fmt.Sprintf("write the whole name: %s", longer(leaf, name))
	case !related(leaf, name):
		f.Cure = fmt.Sprintf("look at what %s leads to: the certificate is that of another domain, so DNS, a search domain or a wildcard answers in its place", name)
	}
}

// defaultCertificate names who presents a certificate of its own for a host that is
// not configured, or returns "".
func defaultCertificate(leaf *x509.Certificate) string {
	for name, by := range map[string]string{
		"Kubernetes Ingress Controller Fake Certificate": "ingress-nginx", "TRAEFIK DEFAULT CERT": "Traefik", "FortiGate": "a FortiGate",
		"ingress.local": "ingress-nginx", "Caddy Local Authority": "Caddy", "router-ca": "the OpenShift router", "ingress-operator": "the OpenShift router",
	} {
		if strings.Contains(leaf.Subject.String()+strings.Join(leaf.DNSNames, " ")+leaf.Issuer.CommonName, name) {
			return by
		}
	}
	return ""
}

// longer returns the name in a certificate that starts with a short one, or "".
func longer(leaf *x509.Certificate, name string) string {
	for _, have := range leaf.DNSNames {
		if strings.HasPrefix(strings.ToLower(have), name+".") {
			return oneLine(strings.ToLower(have))
		}
	}
	return ""
}

// related reports whether a certificate has a name of the same domain.
func related(leaf *x509.Certificate, name string) bool {
	return len(leaf.DNSNames) == 0 || slices.ContainsFunc(leaf.DNSNames, func(have string) bool { return domain(strings.ToLower(have)) == domain(name) })
}

// adviseExpired says which certificate of a chain has expired.
func adviseExpired(f *Failure, h *hop) {
	for i, c := range h.chain {
		if i > 0 && strings.Contains(f.Error, c.NotAfter.UTC().Format("2006-01-02T15:04:05Z")) {
			f.Cure = fmt.Sprintf("let the host present the successor of the expired certificate %q; when it is a root, put its successor into spec.caBundle", oneLine(c.Subject.String()))
		}
	}
}

// adviseProxy is for a proxy that speaks TLS itself.
func (c *client) adviseProxy(f *Failure, err error, h *hop, u *url.URL) {
	inner := Failure{Code: UnknownAuthority}
	if code := certificateCode(err); code != UnknownAuthority && code != RenewedRoot {
		return
	}
	if c.adviseRoot(&inner, h, u); inner.Cure != "" {
		f.Cure = "the proxy itself has a certificate that the controller does not trust: " + inner.Cure
	}
}
