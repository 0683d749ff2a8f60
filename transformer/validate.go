package transformer

import (
	"slices"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// validate tells what a run would change as errors. Its verdicts are about the pods as
// they came in.
func validate(config *v1alpha1.FluxTrust, s stream, now time.Time) Outcome {
	r := run(config, s, options{Options: trust.Options{Now: now}, asGiven: true})
	o := outcomeOf(s, r)
	o.Validated, o.Items, o.Added = true, s.before(), nil
	o.Findings = differences(s, r)
	for _, f := range r.found {
		if f.Code == codes.Unchecked {
			f.Severity = krm.Error
		}
		if !codes.IsChange(f.Code) { // the differences say it
			o.Findings = append(o.Findings, f)
		}
	}
	return o
}

// differences tells what a run has changed as errors.
func differences(s stream, r *result) krm.Findings {
	var found krm.Findings
	differs := func(o *krm.Object, d krm.Difference, message string) {
		found.Add(krm.Error, codes.NotAsConfigured, o, d, "%s", message)
	}
	for _, o := range s.objects {
		if o.Err() != nil {
			continue
		}
		if o.Removed() {
			differs(o, krm.Difference{}, "must not be there: the config no longer provides it")
		}
		for _, d := range o.Differences() {
			differs(o, d, message(o, d))
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

// message says what differs. The content of an object that the function provides is
// not shown.
func message(o *krm.Object, d krm.Difference) string {
	field, _, _ := strings.Cut(d.Path, ".")
	if (o.Kind() == inventory.ConfigMap || o.Kind() == inventory.Secret) && slices.Contains([]string{"data", "stringData"}, field) {
		return "does not hold the certificates of spec.caBundle"
	}
	return d.Message()
}
