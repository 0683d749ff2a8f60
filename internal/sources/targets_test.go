package sources

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/kio"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
)

func read(t *testing.T, stream string) []*krm.Object {
	t.Helper()
	nodes, err := (&kio.ByteReader{Reader: strings.NewReader(stream), OmitReaderAnnotations: true}).Read()
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]*krm.Object, len(nodes))
	for i, n := range nodes {
		objects[i] = krm.NewObject(n.YNode(), nil)
	}
	return objects
}

// describe writes down a target; a Secret by its keys, never its values.
func describe(t probe.Target) string {
	parts := []string{string(t.Kind), "nowhere"}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, strings.TrimSpace(name+" "+value))
		}
	}
	if t.URL != nil {
		u := *t.URL
		u.User = nil
		parts[1] = u.String()
	}
	add("role", t.Role)
	add("type", t.Type)
	add("version", t.Controller.Version)
	add("HTTPS_PROXY", t.Controller.HTTPSProxy)
	add("NO_PROXY", t.Controller.NoProxy)
	add("reference", t.Content.Reference)
	add("bucket", t.Content.Bucket)
	if len(t.Content.Charts) > 0 {
		add("charts", fmt.Sprint(t.Content.Charts))
	}
	add("without bundle", string(t.Controller.Without))
	for name, on := range map[string]bool{"insecure": t.Insecure, "negative serials": t.Controller.NegativeSerials, "service account": t.Secrets.ServiceAccount} {
		if on {
			add(name, " ")
		}
	}
	for name, s := range map[string]*probe.Secret{"cert": t.Secrets.Cert, "auth": t.Secrets.Auth, "proxy": t.Secrets.Proxy} {
		if s == nil {
			continue
		}
		var keys []string
		for key := range s.Data {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		add(name, strings.TrimSpace(s.Namespace+"/"+s.Name+" "+s.Type+" "+strings.Join(keys, ",")+" "+s.Unknown))
	}
	add("through", t.Secrets.ProxyURL)
	add("expected", t.Expected)
	if t.Perhaps {
		add("perhaps", " ")
	}
	add("skip", t.Remarks.Skip)
	add("problem", t.Remarks.Problem)
	for _, doubt := range t.Remarks.Doubts {
		add(string(doubt.Code), doubt.Error)
	}
	slices.Sort(parts[2:])
	return strings.Join(parts, "; ")
}

const (
	helm   = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: x, namespace: apps}\nspec: "
	oci    = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: x, namespace: apps}\nspec: "
	bucket = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: Bucket\nmetadata: {name: x, namespace: apps}\nspec: "
	git    = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: x, namespace: apps}\nspec: "
	image  = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: x, namespace: apps}\nspec: "
	notify = "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {name: x, namespace: apps}\nspec: "
)

// TestTargets reads what every kind connects to.
func TestTargets(t *testing.T) {
	secret := func(name, rest string) string {
		return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: apps}\n" + rest + "\n"
	}
	deployment := func(name, version string) string {
		return "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: flux-system}\n" +
			"spec: {template: {spec: {containers: [{name: manager, image: \"registry.example.com/fluxcd/" + name + ":" + version + "\"}]}}}\n"
	}
	for name, tc := range map[string]struct {
		stream, config string
		want           []string
	}{
		"HelmRepository": {
			helm + "{url: \"https://user:s3cret@Charts.example.com/stable?x=y\"}", "",
			[]string{"HelmRepository; https://charts.example.com/stable?x=y"},
		},
		"without a scheme": {
			helm + "{url: user:s3cret@charts.example.com}", "",
			[]string{"HelmRepository; nowhere; problem spec.url has no scheme or no host; write for example https://charts.example.com or oci://registry.example.com/app"},
		},
		"http": {helm + "{url: \"http://charts.example.com\"}", "", []string{"HelmRepository; http://charts.example.com"}},
		"the version of the controller": {
			helm + "{url: \"https://charts.example.com\"}\n" + deployment("source-controller", "v1.6.2"), "",
			[]string{"HelmRepository; https://charts.example.com; version 1.6.2"},
		},
		"a proxy that the config gives": {
			helm + "{url: \"https://charts.example.com\"}", "  proxy: {https: \"http://p:3128\", no: [.corp.example.com]}\n",
			[]string{"HelmRepository; https://charts.example.com; HTTPS_PROXY http://p:3128; NO_PROXY .corp.example.com,.cluster.local.,.cluster.local,.svc,localhost,127.0.0.1,169.254.169.254,169.254.170.23,$(KUBERNETES_SERVICE_HOST)"},
		},
		"a proxy that the config gives, in a Secret": {
			helm + "{url: \"https://charts.example.com\"}", "  proxy: {secretRef: {name: way}}\n",
			[]string{"HelmRepository; https://charts.example.com; ProxyUnknown spec.proxy is in a Secret, and the Deployment of source-controller, beside which it stands, is not among the inputs"},
		},
		"a proxy for another controller": {
			helm + "{url: \"https://charts.example.com\"}", "  proxy: {https: \"http://p:3128\"}\n  controllers: {exclude: [source-controller]}\n",
			[]string{"HelmRepository; https://charts.example.com; without bundle Controller"},
		},
		"negative serials by the config": {
			helm + "{url: \"https://charts.example.com\"}", "  extras: {acceptNegativeSerials: true}\n",
			[]string{"HelmRepository; https://charts.example.com; negative serials"},
		},
		"a proxy in a Secret": {
			helm + "{url: \"https://charts.example.com\"}\n" + strings.Replace(deployment("source-controller", "v1.6.2"), "image:", "env: [{name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: way, key: address}}}], image:", 1) +
				"---\napiVersion: v1\nkind: Secret\nmetadata: {name: way, namespace: flux-system}\nstringData: {address: \"http://p:3128\"}\n", "",
			[]string{"HelmRepository; https://charts.example.com; HTTPS_PROXY http://p:3128; version 1.6.2"},
		},
		"a proxy in a Secret that is not known": {
			helm + "{url: \"https://charts.example.com\"}\n" + strings.Replace(deployment("source-controller", "v1.6.2"), "image:", "env: [{name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: way, key: address}}}], image:", 1), "",
			[]string{"HelmRepository; https://charts.example.com; ProxyUnknown HTTPS_PROXY of source-controller comes from Secret way, which is not known: it is not among the inputs; version 1.6.2"},
		},
		"a proxy in a ConfigMap": {
			helm + "{url: \"https://charts.example.com\"}\n" + strings.Replace(deployment("source-controller", "v1.6.2"), "image:", "env: [{name: HTTPS_PROXY, valueFrom: {configMapKeyRef: {name: way, key: address}}}], image:", 1), "",
			[]string{"HelmRepository; https://charts.example.com; ProxyUnknown HTTPS_PROXY of source-controller comes from something else than a Secret; version 1.6.2"},
		},
		"the environment of the controller": {
			helm + "{url: \"https://charts.example.com\"}\n" + strings.Replace(deployment("source-controller", "v1.6.2"), "image:", "env: [{name: HTTPS_PROXY, value: \"http://p:3128\"}, {name: no_proxy, value: .svc}, {name: GODEBUG, value: \"a=b,x509negativeserial=1\"}], image:", 1), "",
			[]string{"HelmRepository; https://charts.example.com; HTTPS_PROXY http://p:3128; NO_PROXY .svc; negative serials; version 1.6.2"},
		},
		"certSecretRef": {
			helm + "{url: \"https://charts.example.com\", certSecretRef: {name: ca}}\n" + secret("ca", "type: Opaque\nstringData: {ca.crt: x, tls.key: y}"), "",
			[]string{"HelmRepository; https://charts.example.com; cert apps/ca Opaque ca.crt,tls.key"},
		},
		"a Secret of another namespace": {
			helm + "{url: \"https://charts.example.com\", certSecretRef: {name: ca}}\n" + strings.Replace(secret("ca", "stringData: {ca.crt: x}"), "namespace: apps", "namespace: other", 1), "",
			[]string{"HelmRepository; https://charts.example.com; cert apps/ca   it is not among the inputs"},
		},
		"an encrypted Secret": {
			helm + "{url: \"https://charts.example.com\", secretRef: {name: ca}}\n" + secret("ca", "stringData: {ca.crt: 'ENC[AES256_GCM,data:x]'}"), "",
			[]string{"HelmRepository; https://charts.example.com; auth apps/ca   it is encrypted with SOPS"},
		},
		"a value that does not count": {
			git + "{url: \"https://git.example.com/x\", secretRef: {name: git}}\n" + secret("git", "stringData: {ca.crt: x, password: 's3cret ${NOT_OURS}'}"), "",
			[]string{"GitRepository; https://git.example.com/x; auth apps/git  ca.crt,password"},
		},
		"a Secret that is not base64": {
			helm + "{url: \"https://charts.example.com\", secretRef: {name: ca}}\n" + secret("ca", "data: {ca.crt: '!'}"), "",
			[]string{"HelmRepository; https://charts.example.com; auth apps/ca   its key ca.crt is not base64"},
		},
		"a placeholder": {
			helm + "{url: \"https://${HOST}\"}", "",
			[]string{"HelmRepository; nowhere; Substituted spec.url holds a ${…}, which Flux substitutes"},
		},
		"charts of a registry": {
			helm + "{type: oci, url: \"oci://registry.example.com/charts\"}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: a, namespace: apps}\nspec: {chart: a, version: 1.0.0+x, sourceRef: {kind: HelmRepository, name: x}}\n" +
				"---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: b, namespace: other}\nspec: {chart: {spec: {chart: b, version: '>=1', sourceRef: {kind: HelmRepository, name: x, namespace: apps}}}}\n", "",
			[]string{"HelmRegistry; https://registry.example.com/charts; charts map[a:1.0.0_x b:*]"},
		},
		"oci without the type": {
			helm + "{url: \"oci://registry.example.com/charts\"}", "",
			[]string{"HelmRegistry; https://registry.example.com/charts; problem invalid Helm repository URL: 'oci' URL scheme cannot be used with 'default' HelmRepository type; write spec.type: oci"},
		},
		"an insecure registry of charts": {
			helm + "{type: oci, insecure: true, url: \"oci://registry.example.com/charts\"}", "",
			[]string{"HelmRegistry; http://registry.example.com/charts; insecure"},
		},
		"OCIRepository": {
			oci + "{url: \"oci://registry.example.com:5000/team/app\", ref: {tag: v1}, proxySecretRef: {name: proxy}}\n" + secret("proxy", "stringData: {address: x, username: u}"), "",
			[]string{"OCIRepository; https://registry.example.com:5000/team/app; proxy apps/proxy  address,username; reference v1"},
		},
		"OCIRepository by range":  {oci + "{url: \"oci://registry.example.com/app\", ref: {semver: 1.x}}", "", []string{"OCIRepository; https://registry.example.com/app; reference *"}},
		"OCIRepository by digest": {oci + "{url: \"oci://registry.example.com/app\", ref: {digest: \"sha256:1\", tag: x}}", "", []string{"OCIRepository; https://registry.example.com/app; reference sha256:1"}},
		"OCIRepository over https": {
			oci + "{url: \"https://registry.example.com/app\"}", "",
			[]string{"OCIRepository; https://registry.example.com/app; problem URL must be in format 'oci://<domain>/<org>/<repo>'"},
		},
		"keyless signatures": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign}}", "",
			[]string{
				"OCIRepository; https://registry.example.com/app",
				"Host; https://tuf-repo-cdn.sigstore.dev; expected verify.provider: cosign without a key; role sigstore",
				"Host; https://rekor.sigstore.dev; expected verify.provider: cosign without a key; role sigstore",
			},
		},
		"signatures with a key": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign, secretRef: {name: key}}}", "",
			[]string{"OCIRepository; https://registry.example.com/app"},
		},
		"signatures of a Sigstore of one's own": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign, trustedRootSecretRef: {name: root}}}\n" +
				secret("root", "stringData: {trusted_root.json: '{\"tlogs\":[{\"baseUrl\":\"https://rekor.corp.example.com\"}]}'}"), "",
			[]string{"OCIRepository; https://registry.example.com/app", "Host; https://rekor.corp.example.com; expected verify.trustedRootSecretRef; role sigstore"},
		},
		"a Sigstore that is not known": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign, trustedRootSecretRef: {name: root}}}", "",
			[]string{"OCIRepository; https://registry.example.com/app", "Host; nowhere; SecretUnknown Secret root of verify.trustedRootSecretRef is not known: it is not among the inputs"},
		},
		"a Sigstore without its root": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign, trustedRootSecretRef: {name: root}}}\n" + secret("root", "stringData: {root.json: x}"), "",
			[]string{"OCIRepository; https://registry.example.com/app", "Host; nowhere; expected verify.trustedRootSecretRef; problem Secret root: trusted_root.json is missing; role sigstore"},
		},
		"a Sigstore with a root that is none": {
			oci + "{url: \"oci://registry.example.com/app\", verify: {provider: cosign, trustedRootSecretRef: {name: root}}}\n" + secret("root", "stringData: {trusted_root.json: x}"), "",
			[]string{"OCIRepository; https://registry.example.com/app", "Host; nowhere; expected verify.trustedRootSecretRef; problem Secret root: trusted_root.json is not JSON; role sigstore"},
		},
		"a registry of AWS": {
			oci + "{url: \"oci://123.dkr.ecr.eu-west-1.amazonaws.com/app\", provider: aws, serviceAccountName: puller}", "",
			[]string{
				"OCIRepository; https://123.dkr.ecr.eu-west-1.amazonaws.com/app; WorkloadIdentity spec.provider: aws logs in with an identity that the probe does not have; service account; type aws",
				"Host; https://sts.eu-west-1.amazonaws.com; expected spec.provider: aws; role token",
				"Host; https://api.ecr.eu-west-1.amazonaws.com; expected spec.provider: aws; role token",
			},
		},
		"a public registry of AWS": {
			oci + "{url: \"oci://public.ecr.aws/x/app\", provider: aws}", "",
			[]string{
				"OCIRepository; https://public.ecr.aws/x/app; WorkloadIdentity spec.provider: aws logs in with an identity that the probe does not have; type aws",
				"Host; https://api.ecr-public.us-east-1.amazonaws.com; expected spec.provider: aws; role token",
				"Host; https://sts.us-east-1.amazonaws.com; expected spec.provider: aws; perhaps; role token",
			},
		},
		"a registry of Azure in China": {
			oci + "{url: \"oci://x.azurecr.cn/app\", provider: azure}", "",
			[]string{
				"OCIRepository; https://x.azurecr.cn/app; WorkloadIdentity spec.provider: azure logs in with an identity that the probe does not have; type azure",
				"Host; https://login.chinacloudapi.cn; expected spec.provider: azure; perhaps; role token",
			},
		},
		"a registry of Google, with a service account": {
			oci + "{url: \"oci://europe-docker.pkg.dev/x/app\", provider: gcp, serviceAccountName: puller}", "",
			[]string{
				"OCIRepository; https://europe-docker.pkg.dev/x/app; WorkloadIdentity spec.provider: gcp logs in with an identity that the probe does not have; service account; type gcp",
				"Host; https://sts.googleapis.com; expected spec.provider: gcp; role token",
				"Host; https://iamcredentials.googleapis.com; expected spec.provider: gcp; perhaps; role token",
			},
		},
		"a service account": {
			oci + "{url: \"oci://registry.example.com/app\", serviceAccountName: puller}", "",
			[]string{"OCIRepository; https://registry.example.com/app; WorkloadIdentity spec.serviceAccountName: puller may have a login that the probe does not have; service account"},
		},
		"Bucket":          {bucket + "{endpoint: \"minio.example.com:9000\", bucketName: x}", "", []string{"Bucket; https://minio.example.com:9000; bucket x"}},
		"insecure Bucket": {bucket + "{endpoint: minio.example.com, bucketName: x, insecure: true}", "", []string{"Bucket; http://minio.example.com; bucket x; insecure"}},
		"a token service of a Bucket": {
			bucket + "{endpoint: minio.example.com, bucketName: x, sts: {provider: ldap, endpoint: \"https://sts.example.com:9443/x\", certSecretRef: {name: ca}}}\n" + secret("ca", "stringData: {ca.crt: x}"), "",
			[]string{"Bucket; https://minio.example.com; bucket x", "Host; https://sts.example.com:9443; cert apps/ca  ca.crt; role sts"},
		},
		"ImageRepository":               {image + "{image: registry.example.com/team/app}", "", []string{"ImageRepository; https://registry.example.com/team/app"}},
		"ImageRepository on Docker Hub": {image + "{image: fluxcd/flux-cli}", "", []string{"ImageRepository; https://index.docker.io/fluxcd/flux-cli"}},
		"an official image":             {image + "{image: alpine}", "", []string{"ImageRepository; https://index.docker.io/library/alpine"}},
		"GitRepository":                 {git + "{url: \"https://git.example.com/x\"}", "", []string{"GitRepository; https://git.example.com/x"}},
		"GitRepository over ssh":        {git + "{url: \"ssh://git@git.example.com/x\"}", "", []string{"GitRepository; https://git.example.com/x; skip ssh:// is not HTTPS"}},
		"GitHub App": {
			git + "{url: \"https://github.com/x/y\", provider: github, secretRef: {name: app}}\n" + secret("app", "stringData: {githubAppID: '1'}"), "",
			[]string{
				"GitRepository; https://github.com/x/y; WorkloadIdentity spec.provider: github logs in with an identity that the probe does not have; auth apps/app  githubAppID; type github",
				"Host; https://api.github.com; expected spec.provider: github; role api",
			},
		},
		"GitHub App of a server of one's own": {
			git + "{url: \"https://github.example.com/x/y\", provider: github, secretRef: {name: app}}\n" + secret("app", "stringData: {githubAppID: '1', githubAppBaseURL: \"https://api.github.example.com/api/v3\"}"), "",
			[]string{
				"GitRepository; https://github.example.com/x/y; WorkloadIdentity spec.provider: github logs in with an identity that the probe does not have; auth apps/app  githubAppBaseURL,githubAppID; type github",
				"Host; https://api.github.example.com; expected spec.provider: github; role api",
			},
		},
		"GitHub App without the API of its server": {
			git + "{url: \"https://github.example.com/x/y\", provider: github, secretRef: {name: app}}\n" + secret("app", "stringData: {githubAppID: '1'}"), "",
			[]string{
				"GitRepository; https://github.example.com/x/y; WorkloadIdentity spec.provider: github logs in with an identity that the probe does not have; auth apps/app  githubAppID; type github",
				"Host; https://api.github.com; expected spec.provider: github; role api",
			},
		},
		"Provider": {
			notify + "{type: generic, address: \"https://hook.example.com/s3cret\", proxy: \"http://proxy.example.com\"}", "",
			[]string{"Provider; https://hook.example.com/s3cret; through http://proxy.example.com; type generic"},
		},
		"Provider, its address in the Secret": {
			notify + "{type: slack, secretRef: {name: hook}}\n" + secret("hook", "stringData: {address: \" https://hook.example.com/x \", proxy: \"http://p\"}"), "",
			[]string{"Provider; https://hook.example.com/x; auth apps/hook  address,proxy; through http://p; type slack"},
		},
		"Provider, its address is not known": {
			notify + "{type: slack, secretRef: {name: hook}}", "",
			[]string{"Provider; nowhere; SecretUnknown there is no spec.address, and Secret hook is not known: it is not among the inputs; auth apps/hook   it is not among the inputs; type slack"},
		},
		"Provider without a host":     {notify + "{type: googlepubsub, address: my-project}", "", []string{"Provider; nowhere; skip spec.address is not a URL of a host; type googlepubsub", "Host; https://pubsub.googleapis.com; expected spec.type: googlepubsub; role api"}},
		"Provider without an address": {notify + "{type: telegram}", "", []string{"Provider; nowhere; skip has no address: the controller sends nothing; type telegram"}},
		"Telegram, whatever the address": {
			notify + "{type: telegram, address: \"https://chat.example.com\"}", "",
			[]string{"Provider; https://chat.example.com; type telegram", "Host; https://api.telegram.org; expected spec.type: telegram; role api"},
		},
		"an event hub, with its key": {
			notify + "{type: azureeventhub, secretRef: {name: hub}}\n" + secret("hub", "stringData: {address: \"Endpoint=sb://Flux.servicebus.windows.net/;SharedAccessKeyName=x;SharedAccessKey=s3cret;EntityPath=x\"}"), "",
			[]string{"Provider; nowhere; auth apps/hub  address; skip the address in Secret hub is not a URL of a host; type azureeventhub", "Host; https://flux.servicebus.windows.net:5671; expected spec.type: azureeventhub; role api"},
		},
		"a commit status on GitHub": {
			notify + "{type: github, address: \"https://github.com/x/y\"}", "",
			[]string{"Provider; https://github.com/x/y; type github", "Host; https://api.github.com; expected spec.type: github; role api"},
		},
		"no mount":             {helm + "{url: \"https://charts.example.com\"}", "  mount: {method: None}\n", []string{"HelmRepository; https://charts.example.com; without bundle Mount"}},
		"another controller":   {helm + "{url: \"https://charts.example.com\"}", "  controllers: {exclude: [source-controller]}\n", []string{"HelmRepository; https://charts.example.com; without bundle Controller"}},
		"nothing that is read": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "", nil},
		"what SOPS encrypts": {
			secret("x", "sops: {hc_vault: [{vault_address: \"https://vault.example.com:8200\"}], kms: [{arn: \"arn:aws:kms:eu-west-1:1:key/x\"}], gcp_kms: [{}], azure_kv: [{vault_url: \"https://x.vault.azure.net\"}]}"), "",
			[]string{
				"Host; https://vault.example.com:8200; expected sops.hc_vault; perhaps; role keys", "Host; https://x.vault.azure.net; expected sops.azure_kv; perhaps; role keys",
				"Host; https://kms.eu-west-1.amazonaws.com; expected sops.kms; perhaps; role keys", "Host; https://cloudkms.googleapis.com; expected sops.gcp_kms; perhaps; role keys",
			},
		},
		"one key in Vault": {
			secret("x", "sops: {hc_vault: [{vault_address: \"https://vault.example.com:8200\"}, {vault_address: \"https://vault.example.com:8200\"}], age: []}"), "",
			[]string{"Host; https://vault.example.com:8200; expected sops.hc_vault; role keys"},
		},
		"a key in Vault, or that of age": {
			secret("x", "sops: {hc_vault: [{vault_address: \"https://vault.example.com:8200\"}], age: [{recipient: x}]}"), "",
			[]string{"Host; https://vault.example.com:8200; expected sops.hc_vault; perhaps; role keys"},
		},
		"groups of keys": {
			secret("x", "sops: {key_groups: [{kms: [{arn: \"arn:aws-cn:kms:cn-north-1:1:key/x\"}, {arn: odd}]}]}"), "",
			[]string{"Host; https://kms.cn-north-1.amazonaws.com.cn; expected sops.kms; role keys"},
		},
		"decryption with Vault, and a file": {
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: apps}\nspec: {decryption: {provider: sops, secretRef: {name: keys}}}\n" + secret("keys", "stringData: {sops.vault-token: x}") +
				secret("x", "sops: {hc_vault: [{vault_address: \"https://vault.example.com:8200\"}]}"), "",
			[]string{"Host; https://vault.example.com:8200; expected sops.hc_vault; role keys"},
		},
		"decryption without a Secret": {
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: apps}\nspec: {decryption: {provider: sops}}\n", "",
			[]string{"Host; nowhere; KeyServiceUnknown spec.decryption has no Secret, so the keys are in a service, whose address stands in the encrypted files"},
		},
		"decryption with a Secret that is not known": {
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: apps}\nspec: {decryption: {provider: sops, secretRef: {name: keys}}}\n", "",
			[]string{"Host; nowhere; SecretUnknown Secret keys of spec.decryption is not known: it is not among the inputs"},
		},
		"decryption with Vault": {
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: apps}\nspec: {decryption: {provider: sops, secretRef: {name: keys}}}\n" + secret("keys", "stringData: {sops.vault-token: x}"), "",
			[]string{"Host; nowhere; KeyServiceUnknown spec.decryption decrypts with Vault, and its address stands in the encrypted files"},
		},
		"decryption with age": {
			"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: apps}\nspec: {decryption: {provider: sops, secretRef: {name: keys}}}\n" + secret("keys", "stringData: {x.agekey: x}"), "", nil,
		},
		"a chart from Git": {
			"apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: x, namespace: apps}\nspec: {chart: ./x, sourceRef: {kind: GitRepository, name: y}}\n", "",
			[]string{"Host; nowhere; DependenciesUnknown its Chart.yaml in a GitRepository may name repositories of dependencies"},
		},
		"inputs from a registry of AWS, by an old flux-operator": {
			"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSetInputProvider\nmetadata: {name: x, namespace: apps}\nspec: {type: ECRArtifactTag, url: \"oci://123.dkr.ecr.eu-west-1.amazonaws.com/app\"}\n" + deployment("flux-operator", "v0.33.0"), "",
			[]string{
				"Host; https://123.dkr.ecr.eu-west-1.amazonaws.com; expected spec.type: ECRArtifactTag; role api",
				"Host; https://api.ecr.eu-west-1.amazonaws.com; expected spec.type: ECRArtifactTag; role token",
				"Host; https://sts.eu-west-1.amazonaws.com; expected spec.type: ECRArtifactTag; perhaps; role token",
			},
		},
		"inputs from nowhere": {
			"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSetInputProvider\nmetadata: {name: x, namespace: apps}\nspec: {type: GitHubTag, url: github.com/x/y}\n", "",
			[]string{"Host; nowhere; expected spec.type: GitHubTag; problem spec.url is not a URL with https:// or oci://; role api"},
		},
		"inputs of flux-operator": {
			"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSetInputProvider\nmetadata: {name: x, namespace: apps}\nspec: {type: GitHubBranch, url: \"https://github.com/x/y\"}\n", "",
			[]string{"Host; https://api.github.com; expected spec.type: GitHubBranch; role api"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := v1alpha1.Parse("c.yaml", []byte("apiVersion: fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {name: t}\nspec:\n  caBundle: [{configMap: {name: corp-ca}}]\n"+tc.config))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range Targets(read(t, tc.stream), config) {
				got = append(got, describe(target))
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}
