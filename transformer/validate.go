package transformer

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/installer"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// validate tells what a run would change as errors. Its verdicts are about the pods as
// they came in.
func validate(config *v1alpha1.FluxTrust, s stream, now time.Time) Outcome {
	r, settings := run(config, s, options{Options: trust.Options{Now: now}, asGiven: true}), trust.SettingsOf(config)
	o := outcomeOf(s, r)
	o.Validated, o.Items, o.Added = true, s.before(), nil
	switch {
	case r.controllers.changed > 0 && !settings.Nothing() && !carried(r.inventory):
		o.Findings = nil
		o.Findings.Add(krm.Error, codes.NotCarried, nil, krm.Difference{}, "no controller carries the change: the function was skipped; "+
			"kustomize needs --enable-alpha-plugins --enable-exec, and patches must be listed in the kustomization.yaml")
	default:
		o.Findings = differences(s, r)
	}
	for _, f := range r.found {
		if f.Code == codes.Unchecked && !strings.HasSuffix(f.Path, installer.ArtifactField) {
			f.Severity = krm.Error // but where the config leaves flux-operator alone
		}
		if !codes.IsChange(f.Code) { // the differences say it
			o.Findings = append(o.Findings, f)
		}
	}
	return o
}

// carried reports whether anything in the stream says that a run has changed it. What
// differs where nothing does follows from that.
func carried(i *inventory.Inventory) bool {
	return slices.ContainsFunc(i.Workloads, func(w *inventory.Workload) bool { return w.Owner != "" }) ||
		slices.ContainsFunc(i.Installers, func(i *inventory.Installer) bool {
			return holdsPatch(i.Object.Before.Node) || i.Object.Annotation(v1alpha1.ConfigAnnotation) != ""
		})
}

// holdsPatch reports whether a text in a tree is a patch of this program.
func holdsPatch(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && patches.Owner(n.Value) != "" || slices.ContainsFunc(n.Content, holdsPatch)
}

// differences tells what a run has changed as errors.
func differences(s stream, r *result) krm.Findings {
	var found krm.Findings
	differs := func(o *krm.Object, d krm.Difference, message string) {
		found.Add(krm.Error, codes.NotAsConfigured, o, d, "%s", message)
	}
	unknown := "" // why the bundle cannot be compared
	for _, b := range r.bundles.resolved {
		unknown = cmp.Or(unknown, b.Unknown)
	}
	for _, o := range s.objects {
		if o.Err() != nil {
			continue
		}
		if o.Removed() {
			differs(o, krm.Difference{}, "must not be there: the config no longer provides it")
		}
		for _, d := range o.Differences() {
			if !isDigest(r.inventory, o, d) || !digestDiffers(&found, o, d, unknown) {
				differs(o, d, message(o, d))
			}
		}
	}
	for _, o := range r.added {
		why := "the config provides it inline"
		if o.Kind() == inventory.Secret {
			why = "spec.sources refers to it"
		}
		differs(o, krm.Difference{}, "is missing: "+why)
	}
	return found
}

// digestDiffers tells of a digest that is missing or cannot be compared, which is no
// error: another run made it, which may have seen more or less. It reports whether it did.
func digestDiffers(found *krm.Findings, o *krm.Object, d krm.Difference, unknown string) bool {
	switch {
	case d.Proposed != nil && d.Current == nil:
		found.Add(krm.Info, codes.RestartByHand, o, d, "is missing, because the run that wrote the manifests had not seen the content of spec.caBundle: "+
			"the pods do not restart by themselves when it changes; give that run the objects of spec.caBundle as well, or restart the controllers after a change")
	case d.Proposed == nil && unknown != "":
		found.Add(krm.Warning, codes.Unchecked, o, d, "the digest of the roots cannot be compared, because the content of spec.caBundle is not known (%s); give validate its objects as well", unknown)
	default:
		return false
	}
	return true
}

// isDigest reports whether a difference is that of the digest of the roots.
func isDigest(i *inventory.Inventory, o *krm.Object, d krm.Difference) bool {
	return strings.HasSuffix(d.Path, ".annotations."+v1alpha1.DigestAnnotation) || d.Proposed == nil && isDigestOnly(i, o, d.Path)
}

// isDigestOnly reports whether the path is that of metadata of a pod template which hold
// the digest and nothing else, and so go with it.
func isDigestOnly(i *inventory.Inventory, o *krm.Object, path string) bool {
	return slices.ContainsFunc(i.Workloads, func(w *inventory.Workload) bool {
		if w.Object != o {
			return false
		}
		meta := w.In(o.Before).Get("spec", "template", "metadata").Loose()
		annotations := meta.Get("annotations")
		isOnly := annotations.Exists() && len(annotations.Node.Content) == 2 && annotations.Peek(v1alpha1.DigestAnnotation) != ""
		return isOnly && (path == annotations.Path || path == meta.Path && len(meta.Node.Content) == 2)
	})
}

// message says what differs. The content of an object that the function provides is
// not shown.
func message(o *krm.Object, d krm.Difference) string {
	field, _, _ := strings.Cut(d.Path, ".")
	if (o.Kind() == inventory.ConfigMap || o.Kind() == inventory.Secret) && slices.Contains([]string{"data", "stringData"}, field) {
		return "does not hold the certificates of spec.caBundle"
	}
	return d.Message()
}
