package probe

import "slices"

// Known returns every known failure. docs/troubleshooting.md has a part about each,
// and a test keeps the two together.
func Known() []KnownFailure {
	return slices.Concat(knownTrust(), knownConnections(), knownSecrets(), knownAnswers(), knownDoubts())
}

// knownTrust are failures of a certificate.
func knownTrust() []KnownFailure {
	return []KnownFailure{
		{
			Code: UnknownAuthority, Text: "x509: certificate signed by unknown authority",
			Because: "the host, or a proxy that signs it anew, presents a chain whose root the controller does not trust",
			Tell:    "`flux-trust probe --host HOST` shows the chain; the issuer of its last certificate is the root that is missing. Where the names are those of a product that inspects TLS, a proxy has signed the host anew",
			Cure:    "add the root that signed the chain to spec.caBundle, or, when the host presents its own certificate alone, let the host send its intermediates too",
		},
		{
			Code: RenewedRoot, Text: `x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "Corp Root")`,
			Older:   []string{`(possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate`},
			Because: "a root of the right name is trusted, and another certificate of this name signed the chain: the root has been renewed, mostly with a new key, or there are two",
			Tell:    "the text in brackets names a root that you have; compare its SHA-256 with the one that the probe or `openssl x509 -noout -fingerprint -sha256` shows for the root of the chain",
			Cure:    "add the other certificate of this name to spec.caBundle, and keep the old one until nothing needs it",
		},
		{
			Code: SelfSigned, Text: "x509: certificate signed by unknown authority",
			Because: "the host presents one certificate, which signed itself: the server is its own root",
			Tell:    "`flux-trust probe --host HOST` shows one certificate, whose subject is its issuer",
			Cure:    "compare the certificate with what the owner of the host gives you, add it to spec.caBundle and write allow: [NotCA] beside it; better, let the host use a certificate of your CA",
		},
		{
			Code: RootsReplaced, Text: "x509: certificate signed by unknown authority",
			Because: "the root is known, and the controller does not use it here: a CA of the object, or systemRoots: Replace, stands in its place",
			Tell:    "the error goes away without the `ca.crt` of the object, or with `systemRoots: Keep`",
			Cure:    "put the root of this host where the controller looks alone",
		},
		{
			Code: BundleNotMounted, Text: "x509: certificate signed by unknown authority",
			Because: "the bundle has the root, and this controller does not get the bundle",
			Tell:    "`kubectl exec -n flux-system deploy/source-controller -- ls /etc/ssl/flux-trust` shows nothing",
			Cure:    "name the controller under spec.controllers and write another spec.mount.method than None, or give the object a certSecretRef of its own",
		},
		{
			Code: NotACA, Text: `x509: certificate signed by unknown authority (possibly because of "x509: invalid signature: parent certificate cannot sign this kind of certificate" while trying to verify candidate authority certificate "Corp Root")`,
			Older:   []string{"x509: certificate is not authorized to sign other certificates"},
			Because: "the certificate that signed the chain does not say that it is a CA (basicConstraints), or may not sign certificates (keyUsage)",
			Tell:    "`openssl x509 -noout -text` of the certificate that the error names lacks `CA:TRUE` or `Certificate Sign`",
			Cure:    "let the owner of the CA issue its certificate anew with basicConstraints CA:TRUE and keyUsage keyCertSign",
		},
		{
			Code: WeakSignature, Text: `x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA" while trying to verify candidate authority certificate "Corp Root")`,
			Because: "a certificate of the chain is signed with SHA-1 or MD5, which Go does not accept",
			Tell:    "`openssl x509 -noout -text` says `Signature Algorithm: sha1WithRSAEncryption` or the like for a certificate below the root; that of a root does not matter",
			Cure:    "let the owner of the CA issue the certificates of the host and the intermediates anew with SHA-256",
		},
		{
			Code: PinnedName, Text: "x509: certificate is valid for github.com, not prometheus-community.github.io",
			Because: "`source-controller` before v1.7.0 (Flux 2.7) expects the name of a HelmRepository with a `certSecretRef` from every host, and the charts are at another",
			Tell:    "the name behind *not* is the host of `spec.url`, and not the one that the chart is fetched from; `kubectl get deploy -n flux-system source-controller -o wide` shows a version before v1.7.0, and the HelmRepository has a `certSecretRef`",
			Cure:    "upgrade to Flux 2.7; or mount the bundle (another spec.mount.method than None) and remove spec.certSecretRef from the HelmRepository",
		},
		{
			Code: WrongName, Text: "x509: certificate is valid for a.example.com, not b.example.com",
			Older:   []string{"x509: certificate is not valid for any names, but wanted to match b.example.com"},
			Because: "the certificate is not for this name. Go looks at the name first: whether the root is trusted has not been looked at yet",
			Tell:    "`flux-trust probe --host HOST` shows whom the certificate is for. Compare `nslookup HOST` in a pod with what you expect: a search domain of the cluster may have turned `charts` into another name",
			Cure:    "use a host name that the certificate has, or let the owner of the host put this name into it as a DNS name",
		},
		{
			Code: DefaultCertificate, Text: "x509: certificate is valid for ingress.local, not charts.example.com",
			Because: "an ingress or a router answers with the certificate that it has for names that it does not know",
			Tell:    "the certificate is for `ingress.local`, *Kubernetes Ingress Controller Fake Certificate*, *TRAEFIK DEFAULT CERT* or the like",
			Cure:    "let DNS lead the name to the right address, or let the owner of the ingress add the host",
		},
		{
			Code: CommonName, Text: "x509: certificate relies on legacy Common Name field, use SANs instead",
			Because: "the certificate has the name in its subject alone, where Go does not look",
			Tell:    "`openssl x509 -noout -text` shows no `Subject Alternative Name`",
			Cure:    "let the owner of the host issue its certificate anew with the name as a DNS name (subjectAltName)",
		},
		{
			Code: NoIPAddress, Text: "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
			Because: "the source names an address, and the certificate has names",
			Tell:    "the host in the URL of the source is an address",
			Cure:    "write a name of the certificate instead of the address, or let the owner of the host add the address to the certificate (subjectAltName)",
		},
		{
			Code: NameConstraint, Text: "x509: a root or intermediate certificate is not authorized to sign for this name: DNS name \"charts.example.com\" is not permitted by any constraint",
			Because: "a CA of the chain may sign for some domains alone (nameConstraints), and this is none of them",
			Tell:    "`openssl x509 -noout -text` of a CA of the chain shows `X509v3 Name Constraints`",
			Cure:    "let the owner of the CA allow the domain, or use another CA for this host",
		},
		{
			Code: PathLength, Text: "x509: too many intermediates for path length constraint",
			Because: "a CA of the chain allows fewer CAs below it than there are (pathlen in basicConstraints)",
			Tell:    "`openssl x509 -noout -text` of a CA of the chain shows a `pathlen` that is less than the number of CAs below it",
			Cure:    "let the owner of the CA issue the chain anew, with fewer intermediates or a larger pathlen",
		},
		{
			Code: NegativeSerial, Text: "tls: failed to parse certificate from server: x509: negative serial number",
			Because: "a certificate of the chain has a negative serial number, as some inspecting proxies make them; Go refuses them since 1.23, which is in Flux from 2.4 on",
			Tell:    "`openssl x509 -noout -serial` prints a minus sign; browsers and `curl` do not mind",
			Cure:    "let the owner of the proxy or the CA issue it anew; until then set GODEBUG=x509negativeserial=1 on the controllers",
		},
		{
			Code: KeyUsage, Text: "x509: certificate specifies an incompatible key usage",
			Because: "the certificate of the host, or a CA of the chain, is not made for servers (extendedKeyUsage)",
			Tell:    "`openssl x509 -noout -purpose` says `SSL server : No`",
			Cure:    "let the owner of the CA issue the certificate anew with extendedKeyUsage serverAuth",
		},
		{
			Code: Expired, Text: "x509: certificate has expired or is not yet valid: current time … is after …",
			Because: "a certificate of the chain has expired",
			Tell:    "`openssl x509 -noout -enddate`, for each certificate that `flux-trust probe --host HOST` shows",
			Cure:    "let the owner of the host replace the expired certificate; when it is the root, put its successor into spec.caBundle",
		},
		{
			Code: NotYetValid, Text: "x509: certificate has expired or is not yet valid: current time … is before …",
			Because: "a certificate of the chain begins in the future, or a clock is wrong",
			Tell:    "compare the two times in the error; `date` on the node shows its clock",
			Cure:    "set the clock: of this machine or node, or of the machine that issued the certificate",
		},
		{
			Code: InvalidCertificate, Text: "x509: unhandled critical extension",
			Because: "Go refuses what the error names",
			Tell:    "the error names what Go refuses",
			Cure:    "let the owner of the CA issue the chain anew without what the error names",
		},
	}
}

// knownConnections are failures before and during the handshake.
func knownConnections() []KnownFailure {
	return []KnownFailure{
		{
			Code: OldTLS, Text: "remote error: tls: protocol version not supported",
			Because: "the host or the proxy speaks TLS 1.1 or older; Flux does not",
			Tell:    "`openssl s_client -connect HOST:443 -tls1_2` fails, too",
			Cure:    "switch TLS 1.2 or newer on at the host or the proxy",
		},
		{
			Code: ClientCertificate, Text: "remote error: tls: certificate required",
			Older:   []string{"remote error: tls: bad certificate", "HTTP 400 No required SSL certificate was sent"},
			Because: "the host wants a client certificate, and the source has none",
			Tell:    "`openssl s_client -connect HOST:443` prints *Acceptable client certificate CA names*",
			Cure:    "put a client certificate into the Secret of certSecretRef (of secretRef for a GitRepository): tls.crt and tls.key, beside ca.crt",
		},
		{
			Code: ClientRefused, Text: "remote error: tls: unknown certificate authority",
			Older:   []string{"remote error: tls: expired certificate", "HTTP 400 The SSL certificate error"},
			Because: "the host does not accept the client certificate of the source",
			Tell:    "the source has a `tls.crt`; `openssl s_client -connect HOST:443` prints which CAs the host accepts, and `openssl x509 -noout -issuer -enddate` who issued yours",
			Cure:    "let the owner of the host issue a client certificate that the host accepts, and put it into the Secret as tls.crt and tls.key",
		},
		{
			Code: UnrecognizedName, Text: "remote error: tls: unrecognized name",
			Because: "nothing is configured for this name at the host, the ingress or the proxy",
			Tell:    "`openssl s_client -connect HOST:443 -servername HOST` fails, and works without `-servername`",
			Cure:    "correct the host name, or let the owner of the ingress add it",
		},
		{
			Code: HandshakeRefused, Text: "remote error: tls: handshake failure",
			Because: "the other side ends the handshake: mostly no common cipher, no client certificate, or a host name that it does not serve",
			Tell:    "the log of the host says why; `openssl s_client -connect HOST:443 -servername HOST` gets the same alert",
			Cure:    "ask the owner of the host or the proxy why it refuses the handshake; a client certificate goes into the Secret of certSecretRef",
		},
		{
			Code: NotTLS, Text: "tls: first record does not look like a TLS handshake",
			Older:   []string{"http: server gave HTTP response to HTTPS client"},
			Because: "nothing speaks TLS at this port",
			Tell:    "`curl http://HOST:PORT` gets an answer",
			Cure:    "correct the port or the scheme",
		},
		{
			Code: BrokenTLS, Text: "tls: received unexpected handshake message",
			Older:   []string{"local error: tls: bad record MAC", "tls: too many ignored records"},
			Because: "what comes back breaks the rules of TLS: another protocol, or something on the way that changes the bytes",
			Tell:    "`openssl s_client -connect HOST:443 -servername HOST` fails, too; from another network it may work",
			Cure:    "correct the port, or ask the owner of the host, the firewall or the proxy what answers there",
		},
		{
			Code: NotHTTP, Text: `malformed HTTP response "\x15\x03\x01\x00\x02\x02"`,
			Older:   []string{"HTTP 400 Client sent an HTTP request to an HTTPS server", "HTTP 400 The plain HTTP request was sent to HTTPS port"},
			Because: "the host speaks TLS at this port, and the source says http or insecure: true",
			Tell:    "`curl https://HOST:PORT` gets an answer",
			Cure:    "write https, or take insecure: true away",
		},
		{
			Code: BrokenHTTP, Text: "net/http: HTTP/1.x transport connection broken: malformed HTTP status code",
			Older:   []string{"malformed MIME header", "invalid byte in chunk length", "failed to parse Location header", "server response headers exceeded", "no Host in request URL"},
			Because: "TLS works, and what comes back breaks the rules of HTTP: another protocol, or a proxy with a fault",
			Tell:    "`curl -v --http1.1 URL` shows the answer",
			Cure:    "correct the port, or ask the owner of the host or the proxy what answers there",
		},
		{
			Code: Timeout, Text: "context deadline exceeded",
			Older:   []string{"i/o timeout", "net/http: TLS handshake timeout", "Client.Timeout exceeded while awaiting headers"},
			Because: "nothing answers: a firewall drops the packets, or the way is through a proxy",
			Tell:    "`dial tcp … i/o timeout` is the way to the host; a timeout of the TLS handshake or of the headers is the host, or a proxy that holds the connection. A pod in the namespace of Flux has the same way: `kubectl run -n flux-system -it --rm way --image=curlimages/curl -- curl -v https://HOST`",
			Cure:    "open the way in the firewall or the NetworkPolicy, or name a proxy (HTTPS_PROXY, proxySecretRef); --timeout waits longer",
		},
		{
			Code: Refused, Text: "connect: connection refused",
			Because: "nothing listens at this address and port",
			Tell:    "the error names the address and the port that were tried",
			Cure:    "correct the port, or start the server",
		},
		{
			Code: Unreachable, Text: "connect: network is unreachable",
			Older:   []string{"connect: no route to host"},
			Because: "there is no way in the network",
			Tell:    "the error names the address that was tried: an IPv6 address, on a node without IPv6, is one",
			Cure:    "open the way in the network, or name a proxy (HTTPS_PROXY, proxySecretRef)",
		},
		{
			Code: UnknownHost, Text: "lookup charts.example.com: no such host",
			Older:   []string{"server misbehaving"},
			Because: "DNS does not know the name",
			Tell:    "`nslookup HOST` in a pod; the error names the DNS server that was asked",
			Cure:    "correct the host name, or the DNS of the cluster; where only the proxy knows the name, set HTTPS_PROXY and take it out of NO_PROXY",
		},
		{
			Code: Closed, Text: "EOF",
			Older:   []string{"read: connection reset by peer"},
			Because: "something ends the connection during the handshake",
			Tell:    "it happens at once and every time; another machine in the same network sees it, too",
			Cure:    "ask the owner of the firewall or the proxy",
		},
		{
			Code: BadProxy, Text: "secret 'apps/proxy': key 'address' not found",
			Older:   []string{"invalid proxy secret 'apps/proxy': key 'address' is missing", "proxy URL must use one of the supported schemes (http, https, socks5)"},
			Because: "the address of the proxy is not there, or is not a URL",
			Tell:    "`kubectl describe secret` of the `proxySecretRef` shows the keys that there are, and no values",
			Cure:    "write the whole URL under address in the Secret of proxySecretRef, such as http://proxy.example.com:3128",
		},
		{
			Code: ProxyUnreachable, Text: "proxyconnect tcp: dial tcp …: connect: connection refused",
			Because: "the proxy does not answer",
			Tell:    "the error names the address of the proxy, and not that of the host",
			Cure:    "correct the address in HTTPS_PROXY, or under address in the Secret of proxySecretRef",
		},
		{
			Code: ProxyTLS, Text: "proxyconnect tcp: tls: failed to verify certificate: x509: certificate signed by unknown authority",
			Because: "the address of the proxy begins with https://, and its own certificate is not accepted",
			Tell:    "`proxyconnect` stands before the error of the certificate",
			Cure:    "add the root of the proxy itself to spec.caBundle, or write http:// in front of its address if it speaks no TLS there",
		},
		{
			Code: ProxyCredentials, Text: "the proxy answers 407 Proxy Authentication Required",
			Older:   []string{"Proxy Authentication Required"},
			Because: "the proxy wants a user and a password",
			Tell:    "`curl -v -x PROXY https://HOST` gets `407`",
			Cure:    "put the right username and password into the Secret of proxySecretRef, or into HTTPS_PROXY",
		},
		{
			Code: ProxyRefused, Text: "the proxy answers 403 Forbidden",
			Older:   []string{"Forbidden", "Bad Gateway"},
			Because: "the proxy does not let the connection through",
			Tell:    "`curl -v -x PROXY https://HOST` shows the answer of the proxy",
			Cure:    "let the owner of the proxy allow the host, or put the host into NO_PROXY",
		},
	}
}
