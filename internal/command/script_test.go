package command

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"fluxtrust.dev/flux-trust/internal/bundle"
)

func TestMain(m *testing.M) {
	program := func() { os.Exit(Execute(os.Args[1:], "VERSION", os.Stdin, os.Stdout, os.Stderr)) }
	testscript.Main(m, map[string]func(){programName: program, "kustomize": kustomizeBuild})
}

// kustomizeBuild is "kustomize build DIR [--enable-exec]", by kustomize's own library.
func kustomizeBuild() {
	options := krusty.MakeDefaultOptions()
	if slices.Contains(os.Args, "--enable-exec") {
		options.PluginConfig = types.EnabledPluginConfig(types.BploUseStaticallyLinked)
		options.PluginConfig.FnpLoadingOptions.EnableExec = true
	}
	text, err := buildFolder(os.Args[2], options)
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func buildFolder(dir string, options *krusty.Options) ([]byte, error) {
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return built.AsYaml()
}

// kustomizeBuilt returns what kustomize makes of a folder.
func kustomizeBuilt(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := buildFolder(dir, krusty.MakeDefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestScript runs whole command lines, in folders with certificates in many forms under
// ca, and the examples.
func TestScript(t *testing.T) {
	roots := certificates(t)
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	files := certificateFiles(t, roots)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "EXAMPLES="+examples)
			for i, root := range roots {
				block, _ := pem.Decode([]byte(root))
				certificate, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					return err
				}
				e.Vars = append(e.Vars, fmt.Sprintf("SHA%d=%s", i+1, bundle.Fingerprint(certificate)))
			}
			if err := os.Mkdir(filepath.Join(e.WorkDir, "ca"), 0o700); err != nil {
				return err
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(e.WorkDir, "ca", name), text, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// certificateFiles returns certificates in the forms that people have them in.
func certificateFiles(t *testing.T, roots []string) map[string][]byte {
	t.Helper()
	block, _ := pem.Decode([]byte(roots[0]))
	var wide bytes.Buffer
	wide.WriteString("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(roots[0])) {
		wide.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	leaf, key := newLeaf(t)
	return map[string][]byte{
		"root.crt": []byte(roots[0]), "root.cer": block.Bytes, "root.p7b": pkcs7(t, block.Bytes), "root.txt": wide.Bytes(),
		"new.pem": []byte(roots[1]), "both.pem": []byte(roots[0] + roots[1]),
		"root.b64": []byte(base64.StdEncoding.EncodeToString(block.Bytes)), "chain.pem": []byte(string(leaf) + roots[0]), "soon.pem": []byte(rootUntil(t, "Soon", 10)),
		// The beginning of a PKCS #12 file.
		"store.pfx": []byte("\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\xf8\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x82\x00\xf8"),
		"page.cer":  []byte("<!DOCTYPE html>\n<html><title>Sign in</title></html>\n"), "leaf.crt": leaf, "server.pem": append(leaf, key...), "empty.crt": nil,
	}
}

// pkcs7 returns a certificate as PKCS #7 in DER, as RFC 5652 has it.
func pkcs7(t *testing.T, certificate []byte) []byte {
	t.Helper()
	signed := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	text, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content any `asn1:"explicit,tag:0"`
	}{signed, struct {
		Version      int
		Algorithms   []asn1.RawValue `asn1:"set"`
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      []asn1.RawValue `asn1:"set"`
	}{
		Version: 1, Content: struct{ Type asn1.ObjectIdentifier }{data},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certificate},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newLeaf returns the certificate of a server, and its key.
func newLeaf(t *testing.T) (certificate, key []byte) {
	t.Helper()
	der, private := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registry.example.com"}, DNSNames: []string{"registry.example.com"},
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}, nil, nil)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(pemOf(der)), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}
