package probe

import (
	"crypto/x509"
)

// Names of roots in reports.
const (
	fromBundle = "bundle"
	fromSystem = "system roots"
	fromObject = "certSecretRef"
	fromAuth   = "secretRef"
)

// trust is what a controller trusts for a target.
type trust struct {
	// all is what the controller verifies with.
	all *x509.CertPool
	// parts are the roots by where they come from.
	parts []part
	// known are the roots but for those of the system, whose certificates a pool does
	// not give.
	known []*x509.Certificate
	// left are roots that the controller does not use, unread those that it cannot
	// read, by where they come from.
	left, unread []part
}

type part struct {
	name string
	pool *x509.CertPool
}

// newTrust returns the roots of a target.
func newTrust(s *settings, o *Options) *trust {
	r := &trust{all: x509.NewCertPool()}
	alone := s.alone && len(s.ca) > 0
	if o.System != nil {
		system := part{fromSystem, o.System}
		if alone || s.bundle && len(o.Bundle) > 0 && o.ReplaceSystem {
			r.left = append(r.left, system)
		} else {
			r.all = o.System.Clone()
			r.parts = append(r.parts, system)
		}
	}
	r.add(s, fromBundle, o.Bundle, s.bundle && !alone)
	r.add(s, s.from, s.ca, true)
	return r
}

// readable separates certificates that the controller can read from others.
func (s *settings) readable(all []*x509.Certificate) (read, unread []*x509.Certificate) {
	for _, c := range all {
		if s.negative || c.SerialNumber.Sign() >= 0 {
			read = append(read, c)
		} else {
			unread = append(unread, c)
		}
	}
	return read, unread
}

func newPart(name string, certificates []*x509.Certificate) part {
	p := part{name, x509.NewCertPool()}
	for _, c := range certificates {
		p.pool.AddCert(c)
	}
	return p
}

func (r *trust) add(s *settings, name string, all []*x509.Certificate, used bool) {
	certificates, unread := s.readable(all)
	if len(unread) > 0 && used {
		r.unread = append(r.unread, newPart(name, unread))
	}
	if len(certificates) == 0 {
		return
	}
	p := newPart(name, certificates)
	if !used {
		r.left = append(r.left, p)
		return
	}
	for _, c := range certificates {
		r.all.AddCert(c)
	}
	r.parts, r.known = append(r.parts, p), append(r.known, certificates...)
}

// carriers returns which roots carry a chain, each by itself.
func carriers(parts []part, chain []*x509.Certificate, serverName string) []string {
	if len(chain) == 0 {
		return nil
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	var names []string
	for _, p := range parts {
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: p.pool, Intermediates: intermediates, DNSName: serverName}); err == nil {
			names = append(names, p.name)
		}
	}
	return names
}
