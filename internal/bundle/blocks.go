package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

const (
	beginMark = "-----BEGIN "
	endMark   = "-----END "
	dashes    = "-----"
)

// blocks reads every block. What stands before, between and behind them is a comment, as
// in RFC 7468, section 5.2; what looks like a mark and is none is not.
func (p *parser) blocks(text string) {
	lines := strings.SplitAfter(text, "\n")
	body := 0 // lines of base64 outside of a block
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t\r\n")
		if body = p.looseBody(line, i+1, body); strings.HasPrefix(line, "#") {
			continue
		}
		switch {
		case strings.HasPrefix(line, beginMark):
			good := len(p.good)
			end := p.block(lines, i)
			if len(p.good) == good {
				p.told = append(p.told, span{i + 1, end + 1})
			}
			i = end
		case strings.Contains(line, dashes+"BEGIN"), strings.Contains(line, dashes+"END"):
			p.misplacedMark(line, i+1)
		case looksLikeMark(line):
			p.add(Malformed, i+1, "looks like a mark of a certificate and is none; write -----BEGIN CERTIFICATE----- with five dashes on each side")
		}
	}
}

// looksLikeMark reports whether a line was meant to be a mark.
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
	switch count {
	case 0: // one line alone is looked at as any other text
	case 1:
		p.add(Malformed, number-1, "is the text of a certificate or of a key without its mark; remove it, or put its BEGIN and END lines back")
		p.told = append(p.told, span{number - 1, number})
	default:
		p.told = append(p.told, span{number, number})
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
		p.addKey(number, "")
		return min(end, len(lines)-1)
	}
	if end == len(lines) || !strings.HasPrefix(lines[end], endMark) {
		p.add(Malformed, number, "the certificate is cut off: its line -----END %s----- is missing", safeKind(kind))
		return min(end, len(lines)) - 1
	}
	p.closed(kind, lines, begin, end)
	return end
}

// closed reads a block of which the last line is known.
func (p *parser) closed(kind string, lines []string, begin, end int) {
	number := begin + 1
	last := strings.TrimRight(lines[end], " \t\r\n")
	switch mark := endMark + kind + dashes; {
	case last != mark && strings.HasPrefix(last, mark+dashes[:1]):
		p.add(Malformed, end+1, "there is no newline between two certificates, so Go sees neither; put each mark on a line of its own")
	case last != mark && strings.HasPrefix(last, mark):
		p.add(Malformed, end+1, "has something behind -----END %s-----; put the mark on a line of its own", safeKind(kind))
	case last != mark:
		p.add(Malformed, end+1, "does not end what begins in line %d; write -----END %s-----", number, safeKind(kind))
	case kind != "CERTIFICATE":
		code, message := wrongKind(kind)
		p.add(code, number, "%s", message)
	case p.decode(strings.Join(lines[begin:end+1], ""), number):
		p.good = append(p.good, span{number, end + 1})
	}
}

// decode reads one block with Go's own decoder, and reports whether it is a certificate.
func (p *parser) decode(text string, number int) bool {
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
	case isPKCS7(block.Bytes):
		p.add(InPKCS7, number, "is PKCS #7 under the marks of a certificate, which Go skips; convert it with: openssl pkcs7 -print_certs -in ca.p7b -out ca.crt")
	default:
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			p.add(Malformed, number, "is not a certificate that Go can read (%v); export it again", err)
			return false
		}
		p.certificates = append(p.certificates, Certificate{Certificate: certificate, Line: number})
		return true
	}
	return false
}

// wrongKind says what to do about a block that is not a certificate.
func wrongKind(kind string) (code Code, message string) {
	switch kind {
	case "TRUSTED CERTIFICATE", "X509 CERTIFICATE":
		return Malformed, fmt.Sprintf("is a %s, which Go skips; convert it with: openssl x509 -in ca.pem -out ca.crt", kind)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return Malformed, "is a certificate request, not a certificate; ask your CA for its root certificate"
	case "PKCS7", "CMS":
		return InPKCS7, "is PKCS #7, which Go skips; convert it with: openssl pkcs7 -print_certs -in ca.p7b -out ca.crt"
	case "DH PARAMETERS", "X9.42 DH PARAMETERS":
		return Malformed, "holds parameters for Diffie-Hellman, which belong to a server, and no certificate; remove it"
	default:
		return Malformed, fmt.Sprintf("is not a certificate but a %s, which Go skips; remove it", safeKind(kind))
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
