package probe

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

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
	case PathLength, NameConstraint:
		c.adviseCA(f, h)
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
	if unread := carriers(c.trust.unread, h.chain, c.expects(u)); len(unread) > 0 {
		f.become(NegativeSerial, "the root of this host is there already (%s) and has a negative serial number, so the controllers do not read it: let its owner issue it anew; until then write acceptNegativeSerials: true under spec.extras", strings.Join(unread, ", "))
		return
	}
	if c.adviseNamesake(f, h.chain) {
		return
	}
	switch {
	case isSelfIssued(last) && len(h.chain) == 1:
		adviseSelfSigned(f, last)
	case isSelfIssued(last):
		f.Cure = fmt.Sprintf("compare the root %q (%s) with what its owner gives you, and add it to spec.caBundle", oneLine(last.Subject.String()), bundle.Fingerprint(last))
	case len(h.chain) == 1:
		f.Cure = fmt.Sprintf("add the root above %q to spec.caBundle; the host presents its own certificate alone, so when %[1]q is an intermediate, let the host send it too", oneLine(last.Issuer.String()))
	default:
		f.Cure = fmt.Sprintf("add the root %q, which signed the chain, to spec.caBundle", oneLine(last.Issuer.String()))
	}
}

// adviseNamesake is for a chain whose root has the name of one that is trusted, and is
// another. It reports whether there is such a root.
func (c *client) adviseNamesake(f *Failure, chain []*x509.Certificate) bool {
	last := chain[len(chain)-1]
	other := "the one that signed this chain"
	if isSelfIssued(last) && len(chain) > 1 {
		other = fmt.Sprintf("the one that the host presents (%s), once you have compared it with what its owner gives you,", bundle.Fingerprint(last))
	}
	for _, have := range c.trust.known {
		if bytes.Equal(have.Raw, last.Raw) || !bytes.Equal(have.RawSubject, last.RawIssuer) {
			continue
		}
		name, fingerprint := oneLine(have.Subject.String()), bundle.Fingerprint(have)
		switch {
		case last.CheckSignatureFrom(have) != nil:
			f.become(RenewedRoot, "there is another certificate with the name %q among the roots (%s): it has been renewed, or there are two; add %s to spec.caBundle, and keep the old one until nothing needs it", name, fingerprint, other)
			return true
		case time.Now().After(have.NotAfter):
			f.become(RenewedRoot, "the root %q among the roots (%s) has expired on %s, and has been renewed with the same key; add %s to spec.caBundle in its place", name, fingerprint, have.NotAfter.UTC().Format(time.DateOnly), other)
			return true
		}
	}
	return false
}

// adviseSelfSigned is for a server that is its own root. Whether the bundle takes its
// certificate is asked of those who judge the bundle.
func adviseSelfSigned(f *Failure, own *x509.Certificate) {
	var allow []string
	for _, found := range bundle.Check([]bundle.Certificate{{Certificate: own}}, time.Now()) {
		switch {
		case !found.Fatal():
		case !slices.Contains(bundle.Codes(), found.Code):
			f.become(SelfSigned, "let the host use a certificate of your CA: the server is its own root, and Go would not trust this one as a root")
			return
		case !slices.Contains(allow, string(found.Code)):
			allow = append(allow, string(found.Code))
		}
	}
	exception := ""
	if len(allow) > 0 {
		exception = fmt.Sprintf(" with allow: [%s] beside it", strings.Join(allow, ", "))
	}
	f.become(SelfSigned, "the server is its own root: compare its certificate (%s) with what its owner gives you, and add it to spec.caBundle%s; better, let the host use a certificate of your CA", bundle.Fingerprint(own), exception)
}

// adviseLeft is for a chain under a root that is there, and that the controller does
// not use here.
func (c *client) adviseLeft(f *Failure, left []string) {
	switch {
	case c.alone:
		f.become(RootsReplaced, "put the root of this host into the Secret of %s as well: the controller trusts ca.crt there alone, and not the %s", c.from, strings.Join(left, ", the "))
	case slices.Contains(left, fromBundle):
		f.become(BundleNotMounted, "%s, so this controller does not get the bundle, which has the root: %s, or give the object a certSecretRef with this root", c.without.because(), c.without.instead())
	default:
		f.become(RootsReplaced, "write systemRoots: Keep under spec.mount, or add the root to spec.caBundle: the public roots carry this chain, and systemRoots: Replace takes them away")
	}
}

// advisePinned is for a controller that expects the name of the repository from a host
// with charts.
func (c *client) advisePinned(f *Failure, h *hop, u *url.URL) {
	carried := carriers(c.trust.parts, h.chain, u.Hostname())
	// From Flux 2.7 on it is enough that something carries the chain.
	upgrade := "or upgrade to Flux 2.7"
	if len(carried) == 0 {
		upgrade = "or upgrade to Flux 2.7 and put the root of this host into the Secret of spec.certSecretRef"
	}
	switch {
	case slices.Contains(carried, fromBundle), slices.Contains(carried, fromSystem):
		f.become(PinnedName, "remove spec.certSecretRef from the HelmRepository: the controller trusts the roots of this host by itself (%s); %s", strings.Join(carried, ", "), upgrade)
	case c.bundle:
		f.become(PinnedName, "add the root of this host to spec.caBundle and remove spec.certSecretRef from the HelmRepository, %s", upgrade)
	case slices.Contains(carriers(c.trust.left, h.chain, u.Hostname()), fromBundle):
		f.become(PinnedName, "%s, so this controller does not get the bundle: %s, and remove spec.certSecretRef from the HelmRepository; %s", c.without.because(), c.without.instead(), upgrade)
	default:
		f.become(PinnedName, "%s, so this controller does not get the bundle: %s, add the root of this host to spec.caBundle and remove spec.certSecretRef from the HelmRepository; %s", c.without.because(), c.without.instead(), upgrade)
	}
}

// because says why a controller does not get the bundle.
func (w Without) because() string {
	if w == WithoutMount {
		return "spec.mount.method is None"
	}
	return "spec.controllers leaves it out"
}

// instead says how a controller gets the bundle.
func (w Without) instead() string {
	if w == WithoutMount {
		return "write another method there"
	}
	return "take it in there"
}

// adviseName says why the certificate is that of another name.
func (c *client) adviseName(f *Failure, h *hop, u *url.URL) {
	if c.isPinned(u) {
		c.advisePinned(f, h, u)
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
	case net.ParseIP(name) != nil:
		f.Cure = fmt.Sprintf("write a name or an address of the certificate instead of %s, or let the owner of the host add this address to it (subjectAltName)", name)
	case !strings.Contains(name, ".") && longer(leaf, name) != "":
		f.Cure = fmt.Sprintf("write the whole name: %s", longer(leaf, name))
	case !related(leaf, name):
		f.Cure = fmt.Sprintf("look at what %s leads to: the certificate is that of another domain, so DNS, a search domain or a wildcard answers in its place", name)
	}
}

// adviseCA names the CA of a chain that allows too little.
func (c *client) adviseCA(f *Failure, h *hop) {
	above := h.chain[min(1, len(h.chain)):]
	for _, ca := range slices.Concat(above, c.trust.known) {
		name := oneLine(ca.Subject.String())
		switch {
		case f.Code == PathLength && ca.IsCA && (ca.MaxPathLen > 0 || ca.MaxPathLenZero):
			f.Cure = fmt.Sprintf("let the owner of %q issue it anew with a larger pathlen (it allows %d CAs below it), or issue the certificate of the host with fewer intermediates", name, ca.MaxPathLen)
			return
		case f.Code == NameConstraint && len(ca.PermittedDNSDomains)+len(ca.ExcludedDNSDomains)+len(ca.PermittedIPRanges)+len(ca.ExcludedIPRanges) > 0:
			f.Cure = fmt.Sprintf("let the owner of %q allow the domain or the address of this host (nameConstraints), or use another CA for this host", name)
			return
		}
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
