package v1alpha1

import (
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const head = `apiVersion: fluxtrust.dev/v1alpha1
kind: FluxTrust
metadata:
  name: corporate-ca
`

const spec = head + `spec:
  caBundle:
  - configMap: {name: z-scaler-ca, keys: [Company-Root-CA.crt]}
`

func TestParseFillsInDefaults(t *testing.T) {
	got, err := Parse("c.yaml", []byte(spec+"  - secret: {name: corp-ca}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &FluxTrust{
		APIVersion: GroupVersion, Kind: Kind, Metadata: Metadata{Name: "corporate-ca"},
		Spec: Spec{
			Mode: Transform, OnNoControllers: Error,
			CABundle: []CABundleEntry{
				{ConfigMap: &ConfigMapSource{Name: "z-scaler-ca", Keys: []string{"Company-Root-CA.crt"}}},
				{Secret: &SecretSource{Name: "corp-ca", Keys: []string{"ca.crt"}}},
			},
			Mount:           Mount{Method: Directory, Path: "/etc/ssl/flux-trust", SystemRoots: Keep},
			SecurityContext: SecurityContext{Profile: Restricted},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseAccepts(t *testing.T) {
	for name, config := range map[string]string{
		"a null is a field left out": spec + "  mode: null\n  mount:\n",
		"annotations of orchestrators": strings.Replace(spec, "  name: corporate-ca\n",
			"  name: corporate-ca\n  namespace: x\n  labels: {a: b}\n  annotations: {config.kubernetes.io/function: \"exec: {path: flux-trust}\"}\n", 1),
		"hardening only":     head + "spec:\n  mount: {method: None}\n",
		"aliases":            strings.ReplaceAll(spec, "z-scaler-ca", "&n z-scaler-ca") + "  - secret: {name: *n}\n",
		"controllers":        spec + "  controllers:\n    include: [source-controller, flux-operator]\n    additional: [{labelSelector: \"app in (tofu),!x\"}]\n",
		"a proxy":            spec + "  proxy:\n    https: http://proxy.example.com:3128\n    no: [.example.com, 10.0.0.0/8, \"[fd00::1]\", \"fd00::/8\", \"*.x.y\", \"a:80\", 10.1.2.3]\n",
		"as YAML 1.1 has it": spec + "  proxy: {https: \"http://p\", \"false\": [.example.com]}\n",
		"proxy in a Secret":  spec + "  extras: {acceptNegativeSerials: true}\n  proxy: {secretRef: {name: p}, no: [a]}\n",
		"comments and ---":   "# ours\n---\n" + spec,
		"JSON":               `{"apiVersion":"fluxtrust.dev/v1alpha1","kind":"FluxTrust","metadata":{"name":"x"},"spec":{"caBundle":[{"secret":{"name":"y"},"optional":true}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("c.yaml", []byte(config)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseReportsEveryProblem(t *testing.T) {
	for name, tc := range map[string]struct{ config, want string }{
		"empty file":               {"# nothing\n", "c.yaml: the config is empty; write for example:"},
		"not YAML":                 {"a: [", "c.yaml:1: the config is not valid YAML: "},
		"indented too much":        {strings.Replace(spec, "  caBundle", "    caBundle", 1), "c.yaml:7: the config is not valid YAML: did not find expected key; this line does not go with those above it: look at the indentation"},
		"indented too little":      {strings.Replace(spec, "  - ", "- ", 1), "c.yaml:7: the config is not valid YAML: did not find expected key; this line"},
		"a tab":                    {strings.Replace(spec, "  caBundle", "\tcaBundle", 1), "c.yaml:6: the config is not valid YAML: found character that cannot start any token; YAML is indented with spaces, not with tabs"},
		"an open quote":            {strings.Replace(spec, "name: corporate-ca", "name: \"corporate-ca", 1), "c.yaml:4: the config is not valid YAML: found unexpected end of stream"},
		"two documents":            {spec + "---\n" + spec, "c.yaml: the config holds more than one document; put one FluxTrust into a file of its own"},
		"a list":                   {"- a\n", "c.yaml: the config is a list, not an object; write for example:"},
		"a string":                 {"hello\n", "c.yaml: the config is a string, not an object; write for example:"},
		"another kind":             {"apiVersion: apps/v1\nkind: Deployment\n", `c.yaml:2: kind: the config, which is the first argument, is of kind "Deployment" and apiVersion "apps/v1"; write a FluxTrust, for example:`},
		"misspelt kind":            {strings.Replace(spec, "FluxTrust", "fluxtrust", 1), `c.yaml:2: kind: unknown kind "fluxtrust"; did you mean "FluxTrust"?`},
		"wrong apiVersion":         {strings.Replace(spec, "v1alpha1", "v1", 1), `c.yaml:1: apiVersion: unknown apiVersion "fluxtrust.dev/v1"; write fluxtrust.dev/v1alpha1`},
		"kpt without config":       {"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: function-input\n", "c.yaml:2: kind: kpt ran the function without a config, or with configMap: or key=value arguments; give a FluxTrust with --fn-config FILE"},
		"no name":                  {strings.Replace(spec, "  name: corporate-ca\n", "  labels: {}\n", 1), "c.yaml:3: metadata.name: is missing; write a name such as corporate-ca"},
		"no spec":                  {head, "c.yaml:1: spec.caBundle: names no roots to trust; set spec.mount.method: None to harden only, or write for example:"},
		"wrong case":               {spec + "  Mode: Transform\n", `c.yaml:8: spec.Mode: unknown field; did you mean "mode"?`},
		"upper case":               {strings.Replace(spec, "caBundle", "CABUNDLE", 1), `c.yaml:6: spec.CABUNDLE: unknown field; did you mean "caBundle"?`},
		"unknown field":            {spec + "  frobnicate: 1\n", "c.yaml:8: spec.frobnicate: unknown field; known are caBundle, controllers, extras, mode, mount, onNoControllers, proxy, securityContext, sources"},
		"nested unknown":           {strings.Replace(spec, "keys:", "key:", 1), `c.yaml:7: spec.caBundle[0].configMap.key: unknown field; did you mean "keys"?`},
		"repeated field":           {spec + "  mode: Transform\n  mode: Transform\n", "c.yaml:9: spec.mode: appears twice (first in line 8); remove one"},
		"merge key":                {spec + "  mount: {<<: {path: /x}}\n", "c.yaml:8: spec.mount: merge keys and keys that are not plain words are not supported; write the fields out"},
		"number for string":        {spec + "  mode: 5\n", "c.yaml:8: spec.mode: expected a string, got the number 5"},
		"bool for string":          {spec + "  mode: true\n", "c.yaml:8: spec.mode: expected a string, got the boolean true"},
		"YAML 1.1 bool":            {spec + "  securityContext: {exceptContainers: [on]}\n", `c.yaml:8: spec.securityContext.exceptContainers[0]: on is not a string for YAML 1.1 readers; write it in quotes`},
		"string for bool":          {spec + "    optional: \"true\"\n", "c.yaml:8: spec.caBundle[0].optional: expected true or false, got a string"},
		"yes for bool":             {spec + "    optional: yes\n", "c.yaml:8: spec.caBundle[0].optional: expected true or false, got a string"},
		"mapping for list":         {head + "spec:\n  caBundle:\n    configMap: {name: a}\n", "c.yaml:6: spec.caBundle: expected a list, got a mapping; write \"- \" before each entry"},
		"list for mapping":         {spec + "  mount: [a]\n", "c.yaml:8: spec.mount: expected fields (initContainer, method, path, systemRoots), got a list"},
		"list for map":             {strings.Replace(spec, "  name: corporate-ca\n", "  name: corporate-ca\n  labels: [a]\n", 1), "c.yaml:5: metadata.labels: expected keys and values, got a list"},
		"empty list entry":         {spec + "  -\n", "c.yaml:8: spec.caBundle[1]: is empty; write a value or remove the \"-\""},
		"wrong enum value":         {spec + "  onNoControllers: error\n", `c.yaml:8: spec.onNoControllers: "error" is not a value of this field; did you mean Error?`},
		"unknown controller":       {spec + "  controllers: {include: [sourcecontroller]}\n", `c.yaml:8: spec.controllers.include[0]: "sourcecontroller" is not a value of this field; did you mean source-controller?`},
		"no source":                {head + "spec:\n  caBundle:\n  - optional: true\n", "c.yaml:7: spec.caBundle[0]: names no source; write one of configMap, secret, clusterTrustBundle, inline"},
		"two sources":              {spec + "    secret: {name: a}\n", "c.yaml:7: spec.caBundle[0]: names configMap and secret; an entry has one source: put each into an entry of its own"},
		"no object name":           {strings.Replace(spec, "name: z-scaler-ca, ", "", 1), "c.yaml:7: spec.caBundle[0].configMap.name: is missing; write the name of a ConfigMap"},
		"bad object name":          {strings.Replace(spec, "z-scaler-ca", "Z_Scaler", 1), `c.yaml:7: spec.caBundle[0].configMap.name: "Z_Scaler" cannot be the name of a ConfigMap; names consist of lower-case letters, digits, '-' and '.'`},
		"placeholder":              {strings.Replace(spec, "z-scaler-ca", "\"${name}\"", 1), `c.yaml:7: spec.caBundle[0].configMap.name: "${name}" cannot be the name of a ConfigMap`},
		"same object twice":        {spec + "  - configMap: {name: z-scaler-ca}\n", "c.yaml:8: spec.caBundle[1].configMap: stands already at spec.caBundle[0].configMap; remove one, and list all keys in the other"},
		"same key twice":           {strings.Replace(spec, "[Company-Root-CA.crt]", "[a, a]", 1), `c.yaml:7: spec.caBundle[0].configMap.keys[1]: "a" appears twice; remove one`},
		"bad key":                  {strings.Replace(spec, "Company-Root-CA.crt", "certs/a.pem", 1), `c.yaml:7: spec.caBundle[0].configMap.keys[0]: "certs/a.pem" cannot be a key; keys consist of at most 253 letters, digits, '-', '_' and '.'`},
		"dots as key":              {strings.Replace(spec, "Company-Root-CA.crt", "..data", 1), `c.yaml:7: spec.caBundle[0].configMap.keys[0]: "..data" cannot be a key`},
		"private key":              {spec + "  - secret: {name: tls, keys: [tls.key]}\n", `c.yaml:8: spec.caBundle[1].secret.keys[0]: "tls.key" holds a private key by its name; name the key of the CA certificate, such as ca.crt`},
		"relative path":            {spec + "  mount: {path: etc/ssl}\n", `c.yaml:8: spec.mount.path: "etc/ssl" is not an absolute, clean path of letters, digits, '.', '_', '-' and '/'; write for example /etc/ssl/flux-trust`},
		"unclean path":             {spec + "  mount: {path: /etc/ssl/x/}\n", `c.yaml:8: spec.mount.path: "/etc/ssl/x/" is not an absolute, clean path`},
		"colon in path":            {spec + "  mount: {path: \"/etc/a:b\"}\n", `c.yaml:8: spec.mount.path: "/etc/a:b" is not an absolute, clean path`},
		"path of the roots":        {spec + "  mount: {path: /etc/ssl/certs}\n", `c.yaml:8: spec.mount.path: "/etc/ssl/certs" would hide the public roots in /etc/ssl/certs`},
		"path above roots":         {spec + "  mount: {path: /etc}\n", `c.yaml:8: spec.mount.path: "/etc" would hide the public roots in /etc/ssl/certs`},
		"path of binaries":         {spec + "  mount: {path: /usr}\n", `c.yaml:8: spec.mount.path: "/usr" would hide files that the controller needs`},
		"path in /proc":            {spec + "  mount: {path: /proc/x}\n", `c.yaml:8: spec.mount.path: "/proc/x" would hide files that the controller needs`},
		"excluded, included":       {spec + "  controllers: {include: [helm-controller], exclude: [helm-controller]}\n", `c.yaml:8: spec.controllers.exclude[0]: "helm-controller" is included too; remove one`},
		"additional all":           {spec + "  controllers: {additional: [{namespace: a}]}\n", "c.yaml:8: spec.controllers.additional[0]: selects every workload; write a name or a labelSelector"},
		"bad selector":             {spec + "  controllers: {additional: [{labelSelector: \"a==b==c\"}]}\n", `c.yaml:8: spec.controllers.additional[0].labelSelector: "a==b==c" is not a label selector; write for example app=tofu`},
		"bad additional":           {spec + "  controllers: {additional: [{name: A, namespace: B}]}\n", `c.yaml:8: spec.controllers.additional[0].name: "A" cannot be the name of a workload`},
		"not indented":             {spec + "  method: File\n", "c.yaml:8: spec.method: belongs under mount; indent it by two spaces more than mount"},
		"no proxy":                 {spec + "  proxy: {no: [a]}\n", "c.yaml:8: spec.proxy: names no proxy; write https: http://proxy.example.com:3128, or secretRef for one with credentials"},
		"proxy and Secret":         {spec + "  proxy: {https: \"http://p\", secretRef: {name: a}}\n", "c.yaml:8: spec.proxy.secretRef: takes the place of https and http; remove one of the two"},
		"no name of a proxy":       {spec + "  proxy: {secretRef: {}}\n", "c.yaml:8: spec.proxy.secretRef.name: is missing; write the name of a Secret"},
		"bad key of a proxy":       {spec + "  proxy: {secretRef: {name: a, key: a/b}}\n", `c.yaml:8: spec.proxy.secretRef.key: "a/b" cannot be a key`},
		"credentials":              {spec + "  proxy: {https: \"http://u:s3cret@p\"}\n", "c.yaml:8: spec.proxy.https: holds credentials, which must not stand in a manifest; put the whole URL under the key address into a Secret, and write secretRef: {name: …} instead"},
		"a variable":               {spec + "  proxy: {http: \"http://${p}\"}\n", "c.yaml:8: spec.proxy.http: holds a variable; write the URL itself, such as http://proxy.example.com:3128"},
		"proxy without a scheme":   {spec + "  proxy: {https: \"p:3128\"}\n", "c.yaml:8: spec.proxy.https: is not a URL; write for example http://proxy.example.com:3128"},
		"scheme of a proxy":        {spec + "  proxy: {https: \"ftp://p\"}\n", `c.yaml:8: spec.proxy.https: has the scheme "ftp", which Go does not take for a proxy; write http://, https:// or socks5://, and the host`},
		"path of a proxy":          {spec + "  proxy: {https: \"http://p/pac\"}\n", "c.yaml:8: spec.proxy.https: is not the URL of a proxy, which has a host and a port alone"},
		"all without the proxy":    {spec + "  proxy: {https: \"http://p\", no: [\"*\"]}\n", "c.yaml:8: spec.proxy.no[0]: sends nothing through the proxy; remove it, or spec.proxy"},
		"two in one entry":         {spec + "  proxy: {https: \"http://p\", no: [\"a,b\"]}\n", `c.yaml:8: spec.proxy.no[0]: "a,b" is not a host, a domain, an address or a network; write for example .example.com or 10.0.0.0/8`},
		"credentials in no":        {spec + "  proxy: {https: \"http://p\", no: [\"u:s3cret@p\"]}\n", "c.yaml:8: spec.proxy.no[0]: the value is not a host, a domain, an address or a network; write for example .example.com or 10.0.0.0/8"},
		"an entry twice":           {spec + "  proxy: {https: \"http://p\", no: [a, a]}\n", `c.yaml:8: spec.proxy.no[1]: "a" appears twice; remove one`},
		"string for list":          {strings.Replace(spec, "[Company-Root-CA.crt]", "ca.crt", 1), "c.yaml:7: spec.caBundle[0].configMap.keys: expected a list, got a string; write it in brackets: [ ]"},
		"only a marker":            {"---\n", "c.yaml: the config is empty; write for example:"},
		"tabs":                     {"a:\n\tb: 1\n", "; YAML is indented with spaces, not with tabs"},
		"far from any value":       {spec + "  onNoControllers: Explode\n", "c.yaml:8: spec.onNoControllers: is none of the values of this field; write one of Error, Warn, Ignore"},
		"bundle of nothing":        {spec + "  - clusterTrustBundle: {}\n", "c.yaml:8: spec.caBundle[1].clusterTrustBundle: selects nothing; write a name, or a signerName"},
		"name and signer":          {spec + "  - clusterTrustBundle: {name: a, signerName: b/c}\n", "c.yaml:8: spec.caBundle[1].clusterTrustBundle: has a name, so signerName and labelSelector must go"},
		"bad signer":               {spec + "  - clusterTrustBundle: {signerName: b}\n", `c.yaml:8: spec.caBundle[1].clusterTrustBundle.signerName: "b" is not the name of a signer`},
		"same bundle twice":        {spec + "  - clusterTrustBundle: {name: a}\n  - clusterTrustBundle: {name: a}\n", "c.yaml:9: spec.caBundle[2].clusterTrustBundle: stands already at spec.caBundle[1].clusterTrustBundle"},
		"inline and object":        {spec + "  - inline: {name: z-scaler-ca, pem: x}\n", "c.yaml:8: spec.caBundle[1].inline: stands already at spec.caBundle[0].configMap"},
		"inline without":           {spec + "  - inline: {name: a}\n", "c.yaml:8: spec.caBundle[1].inline.pem: is missing; write the certificate: pem: |"},
		"inline optional":          {spec + "  - inline: {name: a, pem: b}\n    optional: true\n", "c.yaml:9: spec.caBundle[1].optional: is not possible with inline"},
		"bad fingerprint":          {spec + "    fingerprints: [\"AB:CD\"]\n", "c.yaml:8: spec.caBundle[0].fingerprints[0]: is not sha256: and 64 hexadecimal digits"},
		"fingerprints of nothing":  {spec + "    fingerprints: # [\"AB:CD\"]\n", "c.yaml:8: spec.caBundle[0].fingerprints: is empty, which pins nothing; write the fingerprints"},
		"no fingerprints":          {spec + "    fingerprints: []\n", "c.yaml:8: spec.caBundle[0].fingerprints: is empty, which pins nothing; write the fingerprints of the certificates, or remove it"},
		"a name of two lines":      {strings.Replace(spec, "name: corporate-ca", "name: \"a\\nb\"", 1), "c.yaml:4: metadata.name: the value cannot be the name of a config; names consist of lower-case letters, digits, '-' and '.'"},
		"a field of two lines":     {spec + "  \"a\\nb\": 1\n", "c.yaml:8: spec.a\\nb: unknown field; known are caBundle"},
		"a field with an escape":   {spec + "  \"\\e[31m\": 1\n", "c.yaml:8: spec.\\x1b[31m: unknown field; known are caBundle"},
		"too many values":          {spec + "  sources: [" + strings.Repeat("[],", 20_000) + "]\n", "c.yaml: the config has more than 20000 values once its aliases are written out"},
		"too many bytes at last":   {spec + "  mode: &m " + strings.Repeat("x", 1<<20) + "\n  sources: [*m, *m, *m, *m]\n", "c.yaml: the config has more than 4096 KiB once its aliases are written out"},
		"too many bytes":           {strings.Repeat("#\n", 2<<20) + spec, "c.yaml: the config has 4096 KiB; at most 4096 KiB are read: put the certificates into a ConfigMap"},
		"too many problems":        {spec + strings.Repeat("  - {}\n", 101), "c.yaml: 1 more problems; mend these first"},
		"unknown finding":          {spec + "    allow: [Malformed]\n", "c.yaml:8: spec.caBundle[0].allow[0]: is none of the values of this field; write one of NotInStream, KubernetesVersion, Expired"},
		"File of a bundle":         {spec + "  - clusterTrustBundle: {name: a}\n  mount: {method: File}\n", "c.yaml:8: spec.caBundle[1].clusterTrustBundle: cannot be mounted as files"},
		"optional File":            {spec + "    optional: true\n  mount: {method: File}\n", "c.yaml:8: spec.caBundle[0].optional: is not possible with the method File"},
		"File and Replace":         {spec + "  mount: {method: File, systemRoots: Replace}\n", "c.yaml:8: spec.mount.systemRoots: Replace is not possible with the method File"},
		"image of nothing":         {spec + "  mount: {initContainer: {image: a}}\n", "c.yaml:8: spec.mount.initContainer: is used by the method InitContainer alone"},
		"path for a shell":         {spec + "  mount: {path: \"/etc/my certs;id\"}\n", `c.yaml:8: spec.mount.path: "/etc/my certs;id" is not an absolute, clean path`},
		"path of the roots to add": {spec + "  mount: {method: InitContainer, path: /flux-trust/x}\n", `c.yaml:8: spec.mount.path: "/flux-trust/x" is where the init container finds the roots to add`},
		"too long for a hash":      {spec + "  - inline: {name: " + strings.Repeat("a", 250) + ", immutable: true, pem: b}\n", "c.yaml:8: spec.caBundle[1].inline.name: has 250 characters, and immutable appends a hash of 11; write at most 242"},
		"path of the token":        {spec + "  mount: {path: /var/run/secrets/x}\n", `c.yaml:8: spec.mount.path: "/var/run/secrets/x" would hide files that the controller needs`},
		"sources, no kinds":        {spec + "  sources: [{certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].kinds: is missing; write one or more of HelmRepository, "},
		"sources, kind twice":      {spec + "  sources: [{kinds: [Bucket, Bucket], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].kinds[1]: appears twice; remove one"},
		"sources, misspelt kind":   {spec + "  sources: [{kinds: [HelmRepo], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].kinds[0]: is none of the values of this field; write one of HelmRepository, "},
		"sources, GitRepository":   {spec + "  sources: [{kinds: [GitRepository], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].kinds[0]: a GitRepository has no certSecretRef: it takes its CA from the key ca.crt of the Secret in spec.secretRef"},
		"sources, HelmRelease":     {spec + "  sources: [{kinds: [HelmRelease], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].kinds[0]: a HelmRelease trusts what its source trusts; write HelmRepository or OCIRepository"},
		"sources, name":            {spec + "  sources: [{kinds: [Bucket], names: [A_b], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].names[0]: \"A_b\" cannot be the name of an object"},
		"sources, selector":        {spec + "  sources: [{kinds: [Bucket], labelSelector: \"a b\", certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].labelSelector: \"a b\" is not a label selector"},
		"sources, a URL as host":   {spec + "  sources: [{kinds: [Bucket], hosts: [\"https://a.example.com\"], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].hosts[0]: the value is not a glob over hosts; write for example charts.example.com"},
		"sources, a broken glob":   {spec + "  sources: [{kinds: [Bucket], hosts: [\"a[\"], certSecretRef: {name: a}}]\n", "c.yaml:8: spec.sources[0].hosts[0]: \"a[\" is not a glob over hosts"},
		"sources, no Secret":       {spec + "  sources: [{kinds: [Bucket]}]\n", "c.yaml:8: spec.sources[0].certSecretRef.name: is missing; write the name of a Secret"},
		"extras and no profile":    {spec + "  securityContext: {profile: None, extras: {hostUsers: false}}\n", "c.yaml:8: spec.securityContext.extras: does nothing with the profile None; use Restricted, or remove it"},
		"users on OpenShift":       {spec + "  securityContext: {profile: OpenShift, extras: {runAsUser: Image}}\n", "c.yaml:8: spec.securityContext.extras.runAsUser: is not possible with the profile OpenShift, which gives every namespace users of its own; remove it"},
		"AppArmor on OpenShift":    {spec + "  securityContext: {profile: OpenShift, extras: {appArmorProfile: RuntimeDefault}}\n", "c.yaml:8: spec.securityContext.extras.appArmorProfile: is not possible with the profile OpenShift, whose nodes have SELinux instead; remove it"},
		"weak extra":               {spec + "  securityContext: {extras: {hostUsers: true}}\n", "c.yaml:8: spec.securityContext.extras.hostUsers: true is what Kubernetes does anyway; write false, or remove it"},
		"unknown user":             {spec + "  securityContext: {extras: {runAsUser: image}}\n", "c.yaml:8: spec.securityContext.extras.runAsUser: \"image\" is not a value of this field; did you mean Image?"},
		"no size":                  {spec + "  securityContext: {extras: {emptyDirSizeLimit: much}}\n", "c.yaml:8: spec.securityContext.extras.emptyDirSizeLimit: \"much\" is not a size; write for example 1Gi"},
		"negative size":            {spec + "  securityContext: {extras: {emptyDirSizeLimit: -1Gi}}\n", "c.yaml:8: spec.securityContext.extras.emptyDirSizeLimit: \"-1Gi\" is not a size; write for example 1Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(tc.config))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %s\nwant %s", err, tc.want)
			}
		})
	}
}

func TestProblemsComeAtOnceInTheirOrder(t *testing.T) {
	_, err := Parse("c.yaml", []byte(`apiVersion: fluxtrust.dev/v1alpha1
kind: FluxTrust
spec:
  Mode: Validate
  caBundle:
  - configMap: {name: 7, keys: [a.key]}
  - secrets: {keyz: [x]}
  mount: {path: relative, method: Dir}
`))
	want := []string{
		`c.yaml:1: metadata.name: is missing; write a name such as corporate-ca: it marks what this config has changed`,
		`c.yaml:4: spec.Mode: unknown field; did you mean "mode"?`,
		`c.yaml:6: spec.caBundle[0].configMap.name: expected a string, got the number 7`,
		`c.yaml:6: spec.caBundle[0].configMap.keys[0]: "a.key" holds a private key by its name; name the key of the CA certificate, such as ca.crt`,
		`c.yaml:7: spec.caBundle[1].secrets: unknown field; did you mean "secret"?`,
		`c.yaml:7: spec.caBundle[1].secrets.keyz: unknown field; did you mean "keys"?`,
		`c.yaml:8: spec.mount.method: is none of the values of this field; write one of Directory, File, InitContainer, None`,
		`c.yaml:8: spec.mount.path: "relative" is not an absolute, clean path of letters, digits, '.', '_', '-' and '/'; write for example /etc/ssl/flux-trust`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func TestNoKeyMaterialInMessages(t *testing.T) {
	const secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
	_, err := Parse("c.yaml", []byte(spec+"  mount: ["+secret+"]\n  mode: {a: "+secret+"}\n    \n  sources: "+secret+"\n  onNoControllers: "+secret+"\n  caBundle: [{configMap: {name: \"-----BEGIN X-----\", keys: [\"a\\n"+secret+"\"]}}]\n  "+secret+": x\n"))
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("want an error without the value, got %v", err)
	}
}

func TestFromNode(t *testing.T) {
	if _, err := FromNode(nil); err == nil || !strings.Contains(err.Error(), "no config was given: name a file") {
		t.Errorf("got %v", err)
	}
	config, err := FromNode(yaml.MustParse(spec))
	if err != nil || config.Metadata.Name != "corporate-ca" {
		t.Errorf("got %v, %v", config, err)
	}
	_, err = FromNode(yaml.MustParse(spec + "  mod: Transform\n"))
	if want := `FluxTrust corporate-ca: spec.mod: unknown field; did you mean "mode"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(spec))
	f.Add([]byte("apiVersion: &a fluxtrust.dev/v1alpha1\nkind: FluxTrust\nmetadata: {? [a] : b, name: *a}\nspec: !!map {mode: !!str 5}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Parse("c.yaml", data)
		if (config == nil) == (err == nil) {
			t.Errorf("config %v, error %v", config, err)
		}
	})
}
