package bundle

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math"
)

// Sizes of a bundle in bytes.
const (
	// MaxSize is what a ConfigMap or Secret may hold in all its keys:
	// https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
	MaxSize = 1 << 20
	// largeSize is what the last-applied-configuration annotation of kubectl
	// apply may hold.
	largeSize = 256 << 10
)

// Certificate is a certificate of a bundle.
type Certificate struct {
	*x509.Certificate
	// Line of its BEGIN mark, counted from 1.
	Line int
}

// Parse reads the certificates of a PEM text. The findings are those that do
// not depend on the clock; Check has the others. Where one of them is not among
// Codes, certificates may be missing.
func Parse(text []byte) ([]Certificate, []Finding) {
	p := &parser{}
	switch shape, found := ShapeOf(text); {
	case len(text) > MaxSize:
		p.add(TooLarge, 0, "has %d KiB; a ConfigMap or Secret holds at most %d KiB: leave out what is not needed, such as the public roots", len(text)>>10, MaxSize>>10)
		return nil, p.findings
	case len(bytes.TrimSpace(text)) == 0:
		p.add(Malformed, 0, "is empty; put PEM certificates in, which start with -----BEGIN CERTIFICATE-----")
	case found:
		p.add(shape.Code, shape.Line, "%s", shape)
		p.told = append(p.told, span{1, math.MaxInt})
	default:
		p.blocks(string(text))
		if len(p.certificates)+len(p.findings) == 0 {
			p.add(Malformed, 0, noCertificate)
		}
	}
	p.searchKeys(text)
	if len(text) > largeSize {
		p.add(Large, 0, "has %d KiB; kubectl apply needs --server-side for more than %d KiB", len(text)>>10, largeSize>>10)
	}
	return p.certificates, p.findings
}

const noCertificate = "holds no certificate: there is no line -----BEGIN CERTIFICATE-----"

type parser struct {
	certificates []Certificate
	findings     []Finding
	// good are the lines of blocks that hold a certificate and nothing else, told those
	// of which a finding says what they are.
	good, told []span
}

// span is a range of lines, counted from 1, both of which belong to it.
type span struct{ first, last int }

func (p *parser) add(code Code, line int, format string, args ...any) {
	p.findings = append(p.findings, Finding{Code: code, Line: line, Message: fmt.Sprintf(format, args...)})
}
