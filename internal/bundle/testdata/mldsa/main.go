// Command mldsa prints, for each kind of ML-DSA key, a root and the certificate of a
// server that it has signed, as the input of testdata/verify. It needs Go 1.27.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"log"
	"math/big"
	"time"
)

func main() {
	server, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	for _, parameters := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		key, err := mldsa.GenerateKey(parameters)
		if err != nil {
			log.Fatal(err)
		}
		root := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: parameters.String()}, IsCA: true, BasicConstraintsValid: true,
			NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"server.example.com"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter}
		rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
		if err != nil {
			log.Fatal(err)
		}
		leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, server.Public(), key)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(base64.StdEncoding.EncodeToString(rootDER), base64.StdEncoding.EncodeToString(leafDER))
	}
}
