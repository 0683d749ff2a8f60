package sources

import (
	"fmt"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// keyService is a service with keys that SOPS can use.
type keyService struct {
	name string
	// token is the key of a decryption Secret that has the login, field that of an
	// encrypted object.
	token, field string
}

func allKeyServices() []keyService {
	return []keyService{
		{"Vault", "sops.vault-token", "hc_vault"},
		{"AWS KMS", "sops.aws-kms", "kms"},
		{"Azure Key Vault", "sops.azure-kv", "azure_kv"},
		{"Google Cloud KMS", "sops.gcp-kms", "gcp_kms"},
	}
}

// keysOf returns the keys of a service in an object that SOPS has encrypted:
// https://getsops.io/docs/#key-groups
func keysOf(o *krm.Object, field string) []krm.Field {
	sops := o.Before.Loose().Get("sops")
	keys := sops.Items(field)
	for _, group := range sops.Items("key_groups") {
		keys = append(keys, group.Items(field)...)
	}
	return keys
}

// keyServices are where the keys of an object that SOPS has encrypted are. SOPS needs
// one of them, and tries them in their order.
func keyServices(o *krm.Object) []need {
	var needs []need
	add := func(why, host string) {
		if n := (need{"keys", host, why, false}); host != "" && !slices.Contains(needs, n) {
			needs = append(needs, n)
		}
	}
	for _, key := range keysOf(o, "hc_vault") {
		add("sops.hc_vault", hostIn(key.Peek("vault_address")))
	}
	for _, key := range keysOf(o, "azure_kv") {
		add("sops.azure_kv", hostIn(key.Peek("vault_url")))
	}
	for _, key := range keysOf(o, "kms") {
		add("sops.kms", kmsOf(key.Peek("arn")))
	}
	if len(keysOf(o, "gcp_kms")) > 0 {
		add("sops.gcp_kms", "cloudkms.googleapis.com")
	}
	if others := len(keysOf(o, "age")) + len(keysOf(o, "pgp")); len(needs) > 1 || others > 0 {
		for i := range needs {
			needs[i].perhaps = true
		}
	}
	return needs
}

// kmsOf returns the host of the region in an ARN, or "":
// https://docs.aws.amazon.com/general/latest/gr/kms.html
func kmsOf(arn string) string {
	parts := strings.Split(arn, ":")
	const partition, region, all = 1, 3, 6
	if len(parts) < all || parts[region] == "" {
		return ""
	}
	domain := "amazonaws.com"
	if parts[partition] == "aws-cn" {
		domain = "amazonaws.com.cn"
	}
	return "kms." + parts[region] + "." + domain
}

// decryption says that a Kustomization may need a service that has keys: which one
// stands in the encrypted files. Where such a file is among the inputs, it is known.
func (r *reader) decryption(o *krm.Object, spec krm.Field) []probe.Target {
	decryption := spec.Get("decryption")
	if decryption.Peek("provider") != "sops" {
		return nil
	}
	secret := r.secret(o, decryption.Peek("secretRef", "name"), nil)
	if secret != nil && secret.Unknown != "" {
		return []probe.Target{doubtful(o, probe.SecretUnknown, "Secret "+quote.Name(secret.Name)+" of spec.decryption is not known: "+secret.Unknown)}
	}
	if secret == nil {
		for _, service := range allKeyServices() {
			if r.encrypted[service.field] {
				return nil
			}
		}
		return []probe.Target{doubtful(o, probe.KeyServiceUnknown, "spec.decryption has no Secret, so the keys are in a service, whose address stands in the encrypted files")}
	}
	var doubts []probe.Target
	for _, service := range allKeyServices() {
		if _, ok := secret.Data[service.token]; ok && !r.encrypted[service.field] {
			doubts = append(doubts, doubtful(o, probe.KeyServiceUnknown, fmt.Sprintf("spec.decryption decrypts with %s, and its address stands in the encrypted files", service.name)))
		}
	}
	return doubts // keys of age and PGP need no host
}

// encryptedWith returns the services whose keys the objects name, by their field.
func encryptedWith(objects []*krm.Object) map[string]bool {
	found := map[string]bool{}
	for _, o := range objects {
		for _, service := range allKeyServices() {
			if len(keysOf(o, service.field)) > 0 {
				found[service.field] = true
			}
		}
	}
	return found
}
