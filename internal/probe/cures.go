package probe

import "slices"

// Known returns every known failure. docs/troubleshooting.md has a part about each, with
// the texts to search for, the cause and how to tell; a test keeps the two together.
func Known() []KnownFailure {
	return slices.Concat(knownTrust(), knownConnections(), knownSecrets(), knownAnswers(), knownDoubts())
}

// knownTrust are failures of a certificate.
func knownTrust() []KnownFailure {
	return []KnownFailure{
		{UnknownAuthority, "add the root that signed the chain to spec.caBundle, or, when the host presents its own certificate alone, let the host send its intermediates too", false},
		{RenewedRoot, "add the other certificate of this name to spec.caBundle, and keep the old one until nothing needs it", false},
		{SelfSigned, "compare the certificate with what the owner of the host gives you, add it to spec.caBundle and write allow: [NotCA] beside it; better, let the host use a certificate of your CA", false},
		{RootsReplaced, "put the root of this host where the controller looks alone", false},
		{BundleNotMounted, "name the controller under spec.controllers and write another spec.mount.method than None, or give the object a certSecretRef of its own", false},
		{NotACA, "let the owner of the CA issue its certificate anew with basicConstraints CA:TRUE and keyUsage keyCertSign", false},
		{WeakSignature, "let the owner of the CA issue the certificates of the host and the intermediates anew with SHA-256", false},
		{PinnedName, "upgrade to Flux 2.7; or mount the bundle (another spec.mount.method than None) and remove spec.certSecretRef from the HelmRepository", false},
		{WrongName, "use a host name that the certificate has, or let the owner of the host put this name into it as a DNS name", false},
		{DefaultCertificate, "let DNS lead the name to the right address, or let the owner of the ingress add the host", false},
		{CommonName, "let the owner of the host issue its certificate anew with the name as a DNS name (subjectAltName)", false},
		{NoIPAddress, "write a name of the certificate instead of the address, or let the owner of the host add the address to the certificate (subjectAltName)", false},
		{NameConstraint, "let the owner of the CA allow the domain, or use another CA for this host", false},
		{PathLength, "let the owner of the CA issue the chain anew, with fewer intermediates or a larger pathlen", false},
		{NegativeSerial, "let the owner of the proxy or the CA issue it anew; until then write acceptNegativeSerials: true under spec.extras, which sets GODEBUG=x509negativeserial=1 on the controllers", false},
		{KeyUsage, "let the owner of the CA issue the certificate anew with extendedKeyUsage serverAuth", false},
		{Expired, "let the owner of the host replace the expired certificate; when it is the root, put its successor into spec.caBundle", false},
		{NotYetValid, "set the clock: of this machine or node, or of the machine that issued the certificate", false},
		{InvalidCertificate, "let the owner of the CA issue the chain anew without what the error names", false},
	}
}

// knownConnections are failures before and during the handshake.
func knownConnections() []KnownFailure {
	return []KnownFailure{
		{OldTLS, "switch TLS 1.2 or newer on at the host or the proxy", false},
		{ClientCertificate, "put a client certificate into the Secret of certSecretRef (of secretRef for a GitRepository): tls.crt and tls.key, beside ca.crt", false},
		{ClientRefused, "let the owner of the host issue a client certificate that the host accepts, and put it into the Secret as tls.crt and tls.key", false},
		{UnrecognizedName, "correct the host name, or let the owner of the ingress add it", false},
		{HandshakeRefused, "ask the owner of the host or the proxy why it refuses the handshake; a client certificate goes into the Secret of certSecretRef", false},
		{NotTLS, "correct the port or the scheme", false},
		{BrokenTLS, "correct the port, or ask the owner of the host, the firewall or the proxy what answers there", false},
		{NotHTTP, "write https, or take insecure: true away", false},
		{BrokenHTTP, "correct the port, or ask the owner of the host or the proxy what answers there", false},
		{Timeout, "open the way in the firewall or the NetworkPolicy, or name a proxy (HTTPS_PROXY, proxySecretRef); --timeout waits longer", false},
		{Refused, "correct the port, or start the server", false},
		{Unreachable, "open the way in the network, or name a proxy (HTTPS_PROXY, proxySecretRef)", false},
		{UnknownHost, "correct the host name, or the DNS of the cluster; where only the proxy knows the name, set HTTPS_PROXY and take it out of NO_PROXY", false},
		{Closed, "ask the owner of the firewall or the proxy", false},
		{BadProxy, "write the whole URL under address in the Secret of proxySecretRef, such as http://proxy.example.com:3128", false},
		{ProxyUnreachable, "correct the address in HTTPS_PROXY, or under address in the Secret of proxySecretRef", false},
		{ProxyTLS, "add the root of the proxy itself to spec.caBundle, or write http:// in front of its address if it speaks no TLS there", false},
		{ProxyCredentials, "put the right username and password into the Secret of proxySecretRef, or into HTTPS_PROXY", false},
		{ProxyRefused, "let the owner of the proxy allow the host, or put the host into NO_PROXY", false},
	}
}

// knownSecrets are failures before there is a connection.
func knownSecrets() []KnownFailure {
	return []KnownFailure{
		{NoCA, "put the CA under ca.crt into the Secret, or remove certSecretRef", false},
		{HalfPair, "put both tls.crt and tls.key into the Secret, or neither", false},
		{BadPair, "put the client certificate and its own key into the Secret", false},
		{BadCA, "put PEM certificates under ca.crt; flux-trust validate says what is wrong with the text", false},
		{SecretType, "make the Secret anew with the type Opaque: the type of a Secret cannot be changed", false},
		{BadLogin, "complete the Secret of secretRef", false},
		{BadSource, "correct the field that the error names", false},
	}
}

// knownAnswers are failures behind the handshake.
func knownAnswers() []KnownFailure {
	return []KnownFailure{
		{Page, "let the owner of the proxy allow the host without a login, or correct the URL when the page is that of the server", false},
		{Unauthorized, "give the source a secretRef with the login, or correct its URL", false},
		{HTTPStatus, "correct the URL or the reference of the source", false},
		{NotAnIndex, "correct spec.url: the host has another content there", false},
		{NotARegistry, "correct the URL, or let the owner of the host or the proxy say what answers there", false},
		{BadRealm, "let the owner of the registry give its token service a name with https", false},
		{NotGit, "correct the URL, or let the owner of the host or the proxy say what answers there", false},
		{NotABucket, "correct spec.endpoint and spec.bucketName", false},
		{IndexTooLarge, "start source-controller with a larger --helm-index-max-size, or use a smaller repository or an OCIRepository", false},
		{TooManyRedirects, "open the URL without a cookie, and see where it leads", false},
	}
}

// knownDoubts are what cannot be known.
func knownDoubts() []KnownFailure {
	return []KnownFailure{
		{SecretUnknown, "put the Secret among the inputs: kubectl get secret NAME -n NAMESPACE -o yaml", true},
		{BundleUnknown, "put the ConfigMap or Secret of the bundle among the inputs: kubectl get configmap NAME -n flux-system -o yaml", true},
		{ProxyUnknown, "put the Deployments of the controllers and the Secret with the proxy among the inputs, or run the probe with the HTTPS_PROXY and NO_PROXY of the controllers", true},
		{CredentialsNotSent, "ask the controller: flux get all -A says whether the source is ready, and flux reconcile tries it again", true},
		{ChartNotRead, "ask the controller for the chart that you need: kubectl get helmcharts -A", true},
		{WorkloadIdentity, "ask the controller: flux get all -A says whether the source is ready, and flux reconcile tries it again", true},
		{Substituted, "probe what flux build kustomization prints", true},
		{DependenciesUnknown, "add a HelmRepository or an OCIRepository for each repository in Chart.yaml, and probe them", true},
		{KeyServiceUnknown, "put an encrypted file among the inputs", true},
		{RootOfThisMachine, "compare the root with what the owner of the proxy gives you, and add it to spec.caBundle; --system-roots None shows what remains without this machine", true},
		{Interrupted, "run the probe again", true},
		{Other, "read the error", false},
	}
}
