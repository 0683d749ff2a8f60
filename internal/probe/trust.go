package probe

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
)

// Names of roots in reports.
const (
	fromBundle = "bundle"
	fromSystem = "system roots"
	fromObject = "certSecretRef"
)

// trust is what a controller trusts for a target.
type trust struct {
	// all is what the controller verifies with.
	all *x509.CertPool
	// parts are the roots by where they come from.
	parts []part
}

type part struct {
	name string
	pool *x509.CertPool
}

// newTrust returns the roots of a target.
func newTrust(t *Target, o *Options) *trust {
	r := &trust{}
	alone := t.CAAlone && len(t.CA) > 0
	bundle := t.Bundle && len(o.Bundle) > 0
	r.all = x509.NewCertPool()
	if o.System != nil && !alone && (!bundle || !o.ReplaceSystem) {
		r.all = o.System.Clone()
		r.parts = append(r.parts, part{fromSystem, o.System})
	}
	if bundle && !alone {
		r.add(fromBundle, o.Bundle)
	}
	if len(t.CA) > 0 {
		r.add(fromObject, t.CA)
	}
	return r
}

func (r *trust) add(name string, certificates []*x509.Certificate) {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
		r.all.AddCert(c)
	}
	r.parts = append(r.parts, part{name, pool})
}

// carriers returns which roots carry a chain, each by itself.
func (r *trust) carriers(chain []*x509.Certificate, serverName string) []string {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	var names []string
	for _, p := range r.parts {
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: p.pool, Intermediates: intermediates, DNSName: serverName}); err == nil {
			names = append(names, p.name)
		}
	}
	return names
}

// trustKey is equal for targets with the same roots.
func trustKey(t *Target) string {
	var key strings.Builder
	if t.Bundle {
		key.WriteString("bundle ")
	}
	if t.CAAlone {
		key.WriteString("alone ")
	}
	for _, c := range t.CA {
		sum := sha256.Sum256(c.Raw)
		key.WriteString(hex.EncodeToString(sum[:]))
	}
	return key.String()
}
