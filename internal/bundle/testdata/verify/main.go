// Command verify says for each line of a root and a server's certificate, both DER in
// base64, whether the crypto/x509 that it is built with trusts the server: "yes" or
// "no". It is compiled with other versions of Go, too.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		fields := strings.Fields(in.Text())
		if trusts(decode(fields[0]), decode(fields[1])) {
			fmt.Println("yes")
		} else {
			fmt.Println("no")
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func decode(text string) []byte {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return der
}

// trusts does what Go does when it loads its roots from a file and then connects.
func trusts(root, server []byte) bool {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})) {
		return false
	}
	certificate, err := x509.ParseCertificate(server)
	if err != nil {
		return false
	}
	_, err = certificate.Verify(x509.VerifyOptions{Roots: pool, DNSName: "server.example.com", CurrentTime: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
	return err == nil
}
