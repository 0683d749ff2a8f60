package bundle

import (
	"bytes"
	"encoding/pem"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/privatekey"
)

// Keys returns a finding for each private key in a text of which nothing else is
// known, at most 20.
func Keys(text []byte) []Finding {
	p := &parser{}
	found, _ := privatekey.Find(text)
	for _, key := range found {
		p.addKey(key.Line, key.Form)
	}
	return p.findings
}

// KeyAlone returns "private key" or "public key" where a file certainly holds that and no
// certificate, as PEM or DER, else "".
func KeyAlone(data []byte) string {
	if bytes.Contains(data, []byte("CERTIFICATE")) || bytes.Contains(data, []byte("PKCS7")) {
		return ""
	}
	if found, _ := privatekey.Find(data); len(found) > 0 {
		if isDER := bytes.HasPrefix(data, []byte{0x30}); !isDER && !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
			return "" // what else is in another encoding is not known
		}
		if slices.ContainsFunc(found, func(k privatekey.Key) bool { return storeCommand(k.Form) != "" }) {
			return "" // a key store has certificates, too
		}
		return "private key"
	}
	if block, _ := pem.Decode(data); block != nil && strings.HasSuffix(block.Type, "PUBLIC KEY") {
		return "public key"
	}
	return ""
}

// searchKeys finds private keys in what is not a certificate, and text that may be one.
func (p *parser) searchKeys(text []byte) {
	for _, c := range p.certificates {
		if keys := privatekey.FindIn(c.Raw); len(keys) > 0 {
			p.addKey(c.Line, keys[0].Form)
		}
	}
	rest := mask(text, p.good)
	if len(bytes.TrimSpace(rest)) == 0 {
		return
	}
	keys, complete := privatekey.Find(rest)
	for _, key := range keys {
		if !p.hasKey(key.Line) {
			p.addKey(key.Line, key.Form)
		}
	}
	if !complete {
		p.add(OpaqueText, 0, "is encoded again and again, so that not all of it could be searched for a private key; remove what is not a certificate")
	}
	if slices.ContainsFunc(p.findings, func(f Finding) bool { return f.Code == PrivateKey }) {
		return
	}
	for _, line := range privatekey.Opaque(mask(rest, p.told)) {
		p.add(OpaqueText, line, "is base64 of something that is not a certificate, and may be a private key; remove it")
	}
}

// hasKey reports whether a finding speaks of the key in a line already.
func (p *parser) hasKey(line int) bool {
	return slices.ContainsFunc(p.findings, func(f Finding) bool {
		return f.Code == PrivateKey && (f.Line == line || f.Line == 0 || slices.ContainsFunc(p.told, func(s span) bool {
			return s.first == f.Line && s.first <= line && line <= s.last
		}))
	})
}

// addKey reports a private key, or a file that may hold one.
func (p *parser) addKey(line int, form string) {
	if command := storeCommand(form); command != "" {
		p.add(PrivateKey, line, "is a %s, which can hold a private key and which Go cannot read; take the certificates out of it with: %s", form, command)
		return
	}
	if form != "" {
		form = " (" + form + ")"
	}
	p.add(PrivateKey, line, "is a private key%s, which would be readable in every controller; remove it, and replace it if it has been published", form)
}

// storeCommand returns the command that takes the certificates out of a key store, or ""
// where a form is none.
func storeCommand(form string) string {
	switch form {
	case "PKCS #12 store":
		return "openssl pkcs12 -nokeys -in ca.p12 -out ca.crt"
	case "Java key store":
		return "keytool -list -rfc -keystore ca.jks > ca.crt"
	default:
		return ""
	}
}

// mask returns a text in which some lines are blank.
func mask(text []byte, spans []span) []byte {
	if len(spans) == 0 {
		return text
	}
	masked := slices.Clone(text)
	begin, line, i := 0, 1, 0
	for begin < len(masked) {
		end := begin + bytes.IndexByte(masked[begin:], '\n')
		if end < begin {
			end = len(masked)
		}
		for i < len(spans) && spans[i].last < line {
			i++
		}
		if i < len(spans) && spans[i].first <= line {
			for j := begin; j < end; j++ {
				masked[j] = ' '
			}
		}
		begin, line = end+1, line+1
	}
	return masked
}
