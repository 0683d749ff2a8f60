package probe

import (
	"crypto/x509"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/bundle"
)

// Result says how a look at a host has ended.
type Result string

// The results.
const (
	// OK means that what the controller does before and while it connects has been
	// done, and went well.
	OK Result = "OK"
	// Failed means that the source will not work.
	Failed Result = "Failed"
	// Unchecked means that it cannot be known from here.
	Unchecked Result = "Unchecked"
	// Skipped means that there is nothing to connect to with TLS.
	Skipped Result = "Skipped"
)

// Report is what was seen of one host on behalf of one source.
type Report struct {
	// Source is that of the target.
	Source string `json:"source"`
	// Host with its port, and what it is to the source: source, index, charts,
	// registry, token, blobs, proxy, sts, or what an expected host is.
	Host string `json:"host,omitempty"`
	Role string `json:"role,omitempty"`
	// Expected says why the source needs a host that it does not name.
	Expected string `json:"expected,omitempty"`
	// Proxy is the host of the proxy, if there was one.
	Proxy  string `json:"proxy,omitempty"`
	Result Result `json:"result"`
	// TrustedBy names the roots that carry the chain, each by itself: bundle, system
	// roots, certSecretRef.
	TrustedBy []string `json:"trustedBy,omitempty"`
	// Chain is what the host has presented, the certificate of the host first.
	Chain []Certificate `json:"chain,omitempty"`
	// Failure is set when Result is Failed or Unchecked.
	Failure *Failure `json:"failure,omitempty"`
	// Inspector is a root that looks like that of an inspecting proxy and is not in
	// the bundle.
	Inspector *Inspector `json:"inspector,omitempty"`
	// Notes say what else is worth knowing.
	Notes []string `json:"notes,omitempty"`
}

// Certificate is a certificate that a host has presented.
type Certificate struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Fingerprint is sha256:<hex>.
	Fingerprint string    `json:"fingerprint"`
	NotAfter    time.Time `json:"notAfter"`
}

// Inspector is the root of a proxy that looks into TLS, or the nearest that was
// presented.
type Inspector struct {
	// Subject of the root, as far as it was presented, else the name of the issuer of
	// the last certificate.
	Subject string `json:"subject"`
	// Fingerprint of the root, or "" when the root itself was not presented.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Why it looks like one.
	Why string `json:"why"`
}

// reports writes down what was seen on behalf of every target.
func reports(targets []Target, found []*sightings) []Report {
	domains := map[string]map[string]bool{}
	for _, seen := range found {
		for i := range seen.hops {
			if name := seen.hops[i].unknownRoot(); name != "" {
				if domains[name] == nil {
					domains[name] = map[string]bool{}
				}
				domains[name][domain(seen.hops[i].host)] = true
			}
		}
	}
	var all []Report
	for i := range targets {
		all = append(all, targets[i].reports(found[i], domains)...)
	}
	return all
}

func (t *Target) reports(seen *sightings, domains map[string]map[string]bool) []Report {
	first := Report{Source: t.Source, Expected: t.Expected, Role: t.role(), Notes: t.Remarks.Notes}
	if t.URL != nil {
		first.Host = hostOf(t.URL)
	}
	switch {
	case t.Remarks.Problem != "":
		first.Result, first.Failure = Failed, failure(BadSource, "%s", t.Remarks.Problem)
		return []Report{first}
	case t.Remarks.Skip != "":
		first.Result, first.Notes = Skipped, append([]string{t.Remarks.Skip}, first.Notes...)
		return []Report{first}
	case seen.refused != nil:
		first.Result, first.Failure = Failed, seen.refused
		return []Report{first}
	}
	var all []Report
	for i := range seen.hops {
		all = append(all, t.reportOf(&seen.hops[i], seen, domains))
	}
	if len(all) > 0 {
		all[0].Notes = append(append(all[0].Notes, first.Notes...), seen.notes...)
	}
	for _, doubt := range append(t.Remarks.Doubts[:len(t.Remarks.Doubts):len(t.Remarks.Doubts)], seen.doubts...) {
		all = append(all, Report{Source: t.Source, Host: first.Host, Role: first.Role, Expected: t.Expected, Result: Unchecked, Failure: doubt})
	}
	return all
}

// reportOf writes down what was seen of one host.
func (t *Target) reportOf(h *hop, seen *sightings, domains map[string]map[string]bool) Report {
	r := Report{
		Source: t.Source, Host: h.host, Role: h.role, Expected: t.Expected, Proxy: h.proxy, Result: OK,
		TrustedBy: h.trustedBy, Chain: certificates(h.chain), Failure: h.failure, Inspector: h.inspector(domains),
	}
	switch {
	case h.failure != nil && h.failure.Code.unchecked():
		r.Result = Unchecked
	case h.failure != nil && seen.unsure != "" && h.failure.Code.aboutTrust():
		// What is not known may be what helps.
		r.Result, r.Failure = Unchecked, &Failure{h.failure.Code, h.failure.Error, seen.unsure}
	case h.failure != nil && t.Perhaps:
		r.Result, r.Notes = Unchecked, []string{"the source may do without this host: where its login comes from the node, or another service has the key"}
	case h.failure != nil:
		r.Result = Failed
	case h.plain:
		r.Notes = []string{"http:// has no TLS"}
	case h.unverified:
		r.Notes = []string{"insecure: true accepts whatever certificate the host presents"}
	}
	if r.Result == OK && r.Inspector != nil {
		r.Result, r.Failure = Unchecked, failure(RootOfThisMachine, "%s", r.Inspector.Why)
	}
	return r
}

// role is what the host of a target is to its source.
func (t *Target) role() string {
	switch {
	case t.Role != "":
		return t.Role
	case t.Kind == HelmRepository:
		return "index"
	case t.Kind == HelmRegistry, t.Kind == OCIRepository, t.Kind == ImageRepository:
		return "registry"
	default:
		return "source"
	}
}

// certificates describes a chain.
func certificates(chain []*x509.Certificate) []Certificate {
	described := make([]Certificate, len(chain))
	for i, c := range chain {
		described[i] = Certificate{Subject: oneLine(c.Subject.String()), Issuer: oneLine(c.Issuer.String()), Fingerprint: bundle.Fingerprint(c), NotAfter: c.NotAfter.UTC()}
	}
	return described
}

// oneLine makes a name safe to print: whoever presents a certificate chooses what
// stands in it.
func oneLine(name string) string {
	const longest = 200
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 }), " ")
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return name
}
