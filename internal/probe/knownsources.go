package probe

// knownSecrets are failures before there is a connection.
func knownSecrets() []KnownFailure {
	return []KnownFailure{
		{
			Code: NoCA, Text: "secret 'apps/corp-tls' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'",
			Older:   []string{"no 'ca.crt' key found in Secret 'corp-tls'", "certificate secret does not contain any TLS configuration"},
			Because: "the Secret of certSecretRef has none of the keys; before Flux 2.7 a HelmRepository and an OCIRepository passed over this in silence",
			Tell:    "`kubectl describe secret` shows the keys that there are, and no values; case counts",
			Cure:    "put the CA under ca.crt into the Secret, or remove certSecretRef",
		},
		{
			Code: HalfPair, Text: "secret 'apps/corp-tls' contains 'tls.crt' but missing 'tls.key'",
			Older:   []string{"contains 'tls.key' but missing 'tls.crt'", "invalid 'corp-tls' secret data: both certificate and private key need to be provided"},
			Because: "the Secret has half of a client certificate",
			Tell:    "the error names the key that is missing",
			Cure:    "put both tls.crt and tls.key into the Secret, or neither",
		},
		{
			Code: BadPair, Text: "failed to parse TLS certificate and key: tls: private key does not match public key",
			Older:   []string{"tls: private key does not match public key", "tls: failed to find any PEM data in certificate input"},
			Because: "`tls.crt` and `tls.key` do not belong together, or are no PEM",
			Tell:    "`openssl x509 -noout -pubkey` of `tls.crt` and `openssl pkey -pubout` of `tls.key` print different keys, or nothing",
			Cure:    "put the client certificate and its own key into the Secret",
		},
		{
			Code: BadCA, Text: "failed to parse CA certificate",
			Older:   []string{"cannot append certificate into certificate pool: invalid CA certificate", "could not append to cert pool"},
			Because: "`ca.crt` holds no certificate that Go can read",
			Tell:    "`flux-trust validate` names the line and what is wrong with it: DER, base64 twice, lost line breaks, a variable that Flux has substituted",
			Cure:    "put PEM certificates under ca.crt; flux-trust validate says what is wrong with the text",
		},
		{
			Code: SecretType, Text: "cannot use secret 'corp-tls' to construct TLS config: invalid secret type: 'kubernetes.io/basic-auth'",
			Older:   []string{"cannot use Secret 'corp-tls' to get TLS certificate: invalid Secret type"},
			Because: "before Flux 2.7 the Secret of certSecretRef must be of the type Opaque or kubernetes.io/tls",
			Tell:    "the error names the type that the Secret has",
			Cure:    "make the Secret anew with the type Opaque: the type of a Secret cannot be changed",
		},
		{
			Code: BadLogin, Text: "secret 'apps/login': malformed basic auth - has 'username' but missing 'password'",
			Older:   []string{"invalid 'login' secret data: required fields 'username' and 'password'", "no auth config for 'registry.example.com' in the docker-registry Secret 'login'"},
			Because: "the Secret of secretRef has a part of a login",
			Tell:    "the error names the key that is missing, or the host that is",
			Cure:    "complete the Secret of secretRef",
		},
		{
			Code: BadSource, Text: "spec.url has no scheme or no host",
			Because: "a field of the object, or what it names, cannot be used",
			Tell:    "the error names the field",
			Cure:    "correct the field that the error names",
		},
	}
}

// knownAnswers are failures behind the handshake.
func knownAnswers() []KnownFailure {
	return []KnownFailure{
		{
			Code: Page, Text: "failed to load Helm repository from index YAML: failed to load index: error converting YAML to JSON",
			Older:   []string{"no API version specified", "unsupported MediaType: \"text/html", "invalid pkt-len found"},
			Because: "the answer is an HTML page with the status 200: a login or a block page of a proxy, or the front page of another server",
			Tell:    "`curl -sL URL | head` shows the page; its title mostly says whose it is",
			Cure:    "let the owner of the proxy allow the host without a login, or correct the URL when the page is that of the server",
		},
		{
			Code: Unauthorized, Text: "401 Unauthorized",
			Older:   []string{"authentication required", "authorization failed", "UNAUTHORIZED: authentication required"},
			Because: "the host asks for credentials, and the source has none",
			Tell:    "`curl -sI URL` gets `401` or `403`, without and with the login",
			Cure:    "give the source a secretRef with the login, or correct its URL",
		},
		{
			Code: HTTPStatus, Text: "HTTP 404 Not Found for index.yaml",
			Older:   []string{"failed to fetch https://charts.example.com/index.yaml : 404 Not Found", "repository not found", "MANIFEST_UNKNOWN", "NAME_UNKNOWN"},
			Because: "TLS works, and the host does not have what the source asks for",
			Tell:    "`curl -sI URL` gets the same status",
			Cure:    "correct the URL or the reference of the source",
		},
		{
			Code: NotAnIndex, Text: "failed to load Helm repository from index YAML: failed to load index: no API version specified",
			Older:   []string{"error converting YAML to JSON", "empty index.yaml file"},
			Because: "what the host gives as index.yaml is not one",
			Tell:    "`curl -sL URL/index.yaml | head`",
			Cure:    "correct spec.url: the host has another content there",
		},
		{
			Code: NotARegistry, Text: "the answer is not that of a registry",
			Older:   []string{"no token in bearer response"},
			Because: "the host does not speak the protocol of registries",
			Tell:    "`curl -sI https://HOST/v2/` of a registry answers `200` or `401`",
			Cure:    "correct the URL, or let the owner of the host or the proxy say what answers there",
		},
		{
			Code: BadRealm, Text: `invalid realm in www-authenticate: realm host "10.0.0.1" is a private or link-local address`,
			Older:   []string{`realm scheme "http" not allowed for a secure registry; use https`},
			Because: "the registry names a token service by a private address or without TLS, which Flux 2.9 does not follow",
			Tell:    "`curl -sI https://HOST/v2/` shows the realm in `www-authenticate`",
			Cure:    "let the owner of the registry give its token service a name with https",
		},
		{
			Code: NotGit, Text: "the answer is not that of a Git server",
			Older:   []string{"failed to checkout and determine revision", "invalid pkt-len found"},
			Because: "the host does not speak the smart protocol of Git, which is the only one that Flux speaks",
			Tell:    "`curl -s 'URL/info/refs?service=git-upload-pack' | head -c 40` of a Git server begins with `001e# service=`",
			Cure:    "correct the URL, or let the owner of the host or the proxy say what answers there",
		},
		{
			Code: NotABucket, Text: "the answer is not that of an S3 server",
			Because: "the host does not speak the protocol of S3",
			Tell:    "`curl -s https://ENDPOINT/BUCKET/` of an S3 server is XML",
			Cure:    "correct spec.endpoint and spec.bucketName",
		},
		{
			Code: IndexTooLarge, Text: "the index is larger than 50 MiB",
			Older:   []string{"index exceeds the maximum index file size of 52428800 bytes"},
			Because: "`source-controller` takes no index of this size",
			Tell:    "`curl -sL URL/index.yaml | wc -c`",
			Cure:    "start source-controller with a larger --helm-index-max-size, or use a smaller repository or an OCIRepository",
		},
		{
			Code: TooManyRedirects, Text: "stopped after 10 redirects",
			Because: "the host leads to itself, as login pages do without a cookie",
			Tell:    "`curl -sIL --max-redirs 10 URL` shows the hosts on the way",
			Cure:    "open the URL without a cookie, and see where it leads",
		},
	}
}

// knownDoubts are what cannot be known.
func knownDoubts() []KnownFailure {
	return []KnownFailure{
		{
			Code: SecretUnknown, Text: "Secret apps/corp-tls of certSecretRef is not known: it is not among the inputs", Unchecked: true,
			Because: "the probe has not seen what the controller reads; it went on without it",
			Tell:    "the report names the Secret",
			Cure:    "put the Secret among the inputs: kubectl get secret NAME -n NAMESPACE -o yaml",
		},
		{
			Code: BundleUnknown, Text: "a part of spec.caBundle is not known", Unchecked: true,
			Because: "the probe has not seen all roots that the controllers will have; it went on without them",
			Tell:    "the report names the entry of `spec.caBundle`",
			Cure:    "put the ConfigMap or Secret of the bundle among the inputs: kubectl get configmap NAME -n flux-system -o yaml",
		},
		{
			Code: CredentialsNotSent, Text: "the host asks for credentials, which the probe does not send", Unchecked: true,
			Because: "TLS works; whether the login of the source is right, and what is behind it, is not known",
			Tell:    "the source has a `secretRef`, and the host answers `401` or `403` without it",
			Cure:    "ask the controller: flux reconcile source, and flux get sources all",
		},
		{
			Code: ChartNotRead, Text: "HTTP 403 Forbidden for a chart", Unchecked: true,
			Because: "TLS works; the host does not give the chart that was tried, which is the first of its name in the index, and others were not tried",
			Tell:    "the index is there, and the chart is not",
			Cure:    "ask the controller for the chart that you need: kubectl get helmcharts -A",
		},
		{
			Code: WorkloadIdentity, Text: "the login comes from a service account or a cloud, which the probe does not have", Unchecked: true,
			Because: "with serviceAccountName or provider the controller logs in with an identity that the probe does not have",
			Tell:    "the source has a `serviceAccountName` or a `provider`",
			Cure:    "ask the controller: flux reconcile source, and flux get sources all",
		},
		{
			Code: Substituted, Text: "spec.url holds a ${…}, which Flux substitutes", Unchecked: true,
			Because: "the URL is known to kustomize-controller alone",
			Tell:    "the field holds a `${…}`",
			Cure:    "probe what flux build kustomization prints",
		},
		{
			Code: DependenciesUnknown, Text: "its Chart.yaml in a GitRepository may name repositories of dependencies", Unchecked: true,
			Because: "a chart from Git or a bucket may have dependencies in other repositories, which stand in the chart",
			Tell:    "`Chart.yaml` of the chart has `dependencies` with a `repository`",
			Cure:    "add a HelmRepository or an OCIRepository for each repository in Chart.yaml, and probe them",
		},
		{
			Code: KeyServiceUnknown, Text: "spec.decryption decrypts with Vault, and its address stands in the encrypted files", Unchecked: true,
			Because: "SOPS writes the address of a key service into the files that it encrypts",
			Tell:    "an encrypted file has `hc_vault`, `kms`, `azure_kv` or `gcp_kms` under `sops`",
			Cure:    "put an encrypted file among the inputs",
		},
		{
			Code: RootOfThisMachine, Text: "the system roots of this machine carry the chain, and its root looks like that of a proxy", Unchecked: true,
			Because: "this machine trusts an inspecting proxy, and the image of the controllers mostly does not",
			Tell:    "`--system-roots None` makes it a failure; the report names the root",
			Cure:    "compare the root with what the owner of the proxy gives you, and add it to spec.caBundle; --system-roots None shows what remains without this machine",
		},
		{
			Code: Interrupted, Text: "interrupted", Unchecked: true,
			Because: "the probe was ended before it came to this host",
			Tell:    "somebody has pressed Ctrl-C, or the job was ended",
			Cure:    "run the probe again",
		},
		{
			Code: Other, Text: "…",
			Because: "it is none of the known errors",
			Tell:    "the error is that of Go or of the host, word for word",
			Cure:    "read the error",
		},
	}
}
