package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode/utf8"
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

const (
	beginMark = "-----BEGIN "
	endMark   = "-----END "
	dashes    = "-----"
)

// Parse reads the certificates of a PEM text. The findings are those that do
// not depend on the clock; Check has the others. Where a finding is Malformed,
// PrivateKey or TooLarge, certificates may be missing.
func Parse(text []byte) ([]Certificate, []Finding) {
	p := &parser{}
	if p.checkText(text); len(p.findings) > 0 {
		return nil, p.findings
	}
	p.blocks(string(text))
	if len(p.certificates)+len(p.findings) == 0 {
		p.add(Malformed, 0, noCertificate)
	}
	if len(text) > largeSize {
		p.add(Large, 0, "has %d KiB; kubectl apply needs --server-side for more than %d KiB", len(text)>>10, largeSize>>10)
	}
	return p.certificates, p.findings
}

const noCertificate = "holds no certificate: there is no line -----BEGIN CERTIFICATE-----"

type parser struct {
	certificates []Certificate
	findings     []Finding
}

func (p *parser) add(code Code, line int, format string, args ...any) {
	p.findings = append(p.findings, Finding{Code: code, Line: line, Message: fmt.Sprintf(format, args...)})
}

// checkText finds what makes the whole text unreadable.
func (p *parser) checkText(text []byte) {
	trimmed := bytes.TrimSpace(text)
	_, derErr := x509.ParseCertificates(text)
	switch {
	case len(text) > MaxSize:
		p.add(TooLarge, 0, "has %d KiB; a ConfigMap or Secret holds at most %d KiB: leave out what is not needed, such as the public roots", len(text)>>10, MaxSize>>10)
	case len(trimmed) == 0:
		p.add(Malformed, 0, "is empty; put PEM certificates in, which start with -----BEGIN CERTIFICATE-----")
	case derErr == nil:
		p.add(Malformed, 0, "is DER, which Go skips; convert it with: openssl x509 -inform der -in ca.der -out ca.crt")
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")),
		bytes.Contains(text, []byte("-\x00-\x00-")), bytes.Contains(text, []byte("\x00-\x00-\x00-")):
		p.add(Malformed, 0, "is UTF-16, in which Go finds no certificate; convert it with: iconv -f UTF-16 -t ASCII")
	case bytes.IndexByte(text, 0) >= 0:
		p.add(Malformed, 1+bytes.Count(text[:bytes.IndexByte(text, 0)], []byte("\n")), "holds a NUL byte, so it is no PEM text; export the certificate again as PEM (Base64)")
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		p.add(Malformed, 1, "starts with a UTF-8 byte order mark, which makes Go lose the first certificate; save the file without it")
	case bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0 && bytes.Count(trimmed, []byte("\r")) > 0:
		p.add(Malformed, 1, "has lines that end in CR alone, in which Go finds no certificate; convert it with: tr '\\r' '\\n'")
	case !utf8.Valid(text) && !bytes.Contains(text, []byte(beginMark)):
		p.add(Malformed, 0, "is binary, not PEM; export the certificate again as PEM (Base64)")
	}
}

// blocks reads every block. Text before and between blocks is a comment, as in
// RFC 7468, section 5.2; text behind the last one, and everything that looks like
// a mark and is none, is not.
func (p *parser) blocks(text string) {
	lines := strings.SplitAfter(text, "\n")
	lastEnd := len(lines) // of the last block, if there is one
	body := 0             // lines of base64 outside of a block
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r\n")
		if body = p.looseBody(line, i+1, body); strings.HasPrefix(line, "#") {
			continue
		}
		switch {
		case strings.HasPrefix(line, beginMark):
			end := p.block(lines, i)
			lastEnd = end
			i = end
		case strings.Contains(line, dashes+"BEGIN"), strings.Contains(line, dashes+"END"):
			p.misplacedMark(line, i+1)
			lastEnd = i
		case looksLikeMark(line):
			p.add(Malformed, i+1, "looks like a mark of a certificate and is none; write -----BEGIN CERTIFICATE----- with five dashes on each side")
			lastEnd = i
		}
	}
	for i := lastEnd + 1; i < len(lines); i++ {
		line := strings.Trim(lines[i], "-*= \t\r\n\x1a") // rulers and the end mark of DOS
		if line != "" && line[0] != '#' {
			p.add(Malformed, i+1, "text behind the last certificate; remove it, or put # before it")
			break
		}
	}
}

// looksLikeMark tells whether a line was meant to be a mark.
func looksLikeMark(line string) bool {
	line = strings.ToUpper(line)
	return strings.Contains(line, "CERTIFICATE") && strings.Contains(line, "--") && (strings.Contains(line, "BEGIN") || strings.Contains(line, "END"))
}

// looseBody finds the text of a certificate or, worse, of a key without its mark.
// It counts the lines so far.
func (p *parser) looseBody(line string, number, count int) int {
	const shortest = 60
	if len(line) < shortest || strings.Trim(line, base64Alphabet) != "" {
		return 0
	}
	if count == 1 {
		p.add(Malformed, number-1, "is the text of a certificate or of a key without its mark; remove it, or put its BEGIN and END lines back")
	}
	return count + 1
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// misplacedMark says why Go does not see a mark that is not at the start of its
// line or has no partner.
func (p *parser) misplacedMark(line string, number int) {
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " \t"), dashes) && line[0] != '-':
		p.add(Malformed, number, "is indented, so Go does not see the certificate; remove the white space at the start of its lines")
	case strings.HasPrefix(line, endMark):
		p.add(Malformed, number, "ends a certificate that does not begin; the line -----BEGIN CERTIFICATE----- is missing")
	default:
		p.add(Malformed, number, "has something before the mark, so Go does not see the certificate; put the mark on a line of its own")
	}
}

// block reads the block that begins in a line and returns the index of its last
// line.
func (p *parser) block(lines []string, begin int) int {
	first := strings.TrimRight(lines[begin], " \t\r\n")
	kind, ok := strings.CutSuffix(strings.TrimPrefix(first, beginMark), dashes)
	number := begin + 1
	if !ok || strings.Contains(kind, dashes) {
		p.add(Malformed, number, "has something behind the mark; put -----BEGIN CERTIFICATE----- on a line of its own")
		return begin
	}
	end := begin + 1
	for ; end < len(lines); end++ {
		if strings.HasPrefix(lines[end], endMark) || strings.Contains(lines[end], beginMark) {
			break
		}
	}
	if strings.Contains(kind, "PRIVATE KEY") {
		p.add(PrivateKey, number, "is a private key, which would be readable in every controller; remove it, and replace it if it has been published")
		return min(end, len(lines)-1)
	}
	if end == len(lines) || !strings.HasPrefix(lines[end], endMark) {
		p.add(Malformed, number, "the certificate is cut off: its line -----END %s----- is missing", safeKind(kind))
		return min(end, len(lines)) - 1
	}
	last := strings.TrimRight(lines[end], " \t\r\n")
	switch mark := endMark + kind + dashes; {
	case last != mark && strings.HasPrefix(last, mark+dashes[:1]):
		p.add(Malformed, end+1, "there is no newline between two certificates, so Go sees neither; put each mark on a line of its own")
		return end
	case last != mark && strings.HasPrefix(last, mark):
		p.add(Malformed, end+1, "has something behind -----END %s-----; put the mark on a line of its own", safeKind(kind))
		return end
	case last != mark:
		p.add(Malformed, end+1, "does not end what begins in line %d; write -----END %s-----", number, safeKind(kind))
		return end
	case kind != "CERTIFICATE":
		p.add(Malformed, number, "%s", wrongKind(kind))
		return end
	}
	p.decode(strings.Join(lines[begin:end+1], ""), number)
	return end
}

// decode reads one block with Go's own decoder.
func (p *parser) decode(text string, number int) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil && strings.Contains(text, ":"):
		p.add(Malformed, number, "has header lines that Go cannot read; remove what stands between the BEGIN mark and the certificate")
	case block == nil:
		p.add(Malformed, number, "is not valid base64, so Go skips the certificate; export it again")
	case len(block.Headers) > 0:
		p.add(Malformed, number, "has header lines, so Go skips the certificate; remove what stands between the BEGIN mark and the certificate")
	case len(bytes.TrimSpace(rest)) > 0:
		p.add(Malformed, number, "has something behind the certificate; put each mark on a line of its own")
	default:
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			p.add(Malformed, number, "is no certificate that Go can read (%v); export it again", err)
			return
		}
		p.certificates = append(p.certificates, Certificate{Certificate: certificate, Line: number})
	}
}

// wrongKind says what to do about a block that is no certificate.
func wrongKind(kind string) string {
	switch kind {
	case "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
		return fmt.Sprintf("is a %s, which Go skips; convert it with: openssl x509 -in ca.pem -out ca.crt", kind)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "is a certificate request, not a certificate; ask your CA for its root certificate"
	case "PKCS7", "CMS":
		return "is PKCS #7, which Go skips; convert it with: openssl pkcs7 -print_certs -in ca.p7b -out ca.crt"
	default:
		return fmt.Sprintf("is no certificate but a %s, which Go skips; remove it", safeKind(kind))
	}
}

// safeKind returns the kind of a block for a message, unless it is something
// else that should not be repeated.
func safeKind(kind string) string {
	const longest = 40
	if len(kind) > longest || strings.ToUpper(kind) != kind {
		return "…"
	}
	return kind
}
