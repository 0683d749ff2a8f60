package installer

import (
	"errors"
	"fmt"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/patches"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// Change makes a controller what a config asks for, and tells of it. What is wrong
// sticks to its object.
type Change func(w *inventory.Workload, s trust.Settings) krm.Findings

// Patches returns the patches for the controllers of a stock install that a config is
// about, one for all that change in the same way. What there is to say about a stock
// controller is no news, unless something is wrong; it is said about an object, or
// about the controller itself where that is nil.
func Patches(s Stock, c *v1alpha1.FluxTrust, change Change, about *krm.Object) ([]patches.Patch, krm.Findings, error) {
	settings := trust.SettingsOf(c)
	if s.OpenShift { // what is added must not ask for more than the platform gives
		settings.Security.Profile = v1alpha1.OpenShift
	}
	workloads, err := s.deployments(&c.Spec.Controllers)
	if err != nil {
		return nil, nil, err
	}
	var found krm.Findings
	var changes []patches.Change
	for _, w := range workloads {
		told := change(w, settings)
		if err := w.Object.Err(); errors.Is(err, krm.ErrReported) {
			return nil, found, err
		} else if err != nil { // the field is none of the object that the findings name
			failure, _ := w.Object.Failure(err)
			return nil, found, &krm.FieldError{Code: failure.Code, Message: fmt.Sprintf("the %s that it installs: %s", quote.Name(w.Name()), err)}
		}
		for _, f := range told {
			if f.Severity == krm.Info {
				continue
			}
			if about != nil {
				f.Object = about
			}
			found = append(found, f)
		}
		changes = append(changes, patches.Change{Before: w.Object.Before.Node, After: w.Object.After().Node, Stock: true})
	}
	made, err := patches.Of(c.Metadata.Name, changes)
	return made, found, err
}

// CheckReferences refuses objects whose name the build changes: kustomize follows
// a new name into objects, never into the text of a patch.
func CheckReferences(c *v1alpha1.FluxTrust, stores *inventory.Stores, namespaces []string) error {
	for i, e := range c.Spec.CABundle {
		var err error
		switch at := fmt.Sprintf("spec.caBundle[%d]", i); {
		case e.ConfigMap != nil:
			err = checkReference(stores, at+".configMap.name", inventory.ConfigMap, e.ConfigMap.Name, namespaces)
		case e.Secret != nil:
			err = checkReference(stores, at+".secret.name", inventory.Secret, e.Secret.Name, namespaces)
		}
		if err != nil {
			return err
		}
	}
	if name := c.Spec.Proxy.SecretName(); name != "" {
		return checkReference(stores, "spec.proxy.secretRef.name", inventory.Secret, name, namespaces)
	}
	return nil
}

func checkReference(stores *inventory.Stores, at, kind, name string, namespaces []string) error {
	s, _ := stores.Find(kind, name, namespaces)
	if s == nil || s.Object.Name() == name && !s.Hashed() {
		return nil
	}
	how := "gets a hash suffix"
	if s.Object.Name() != name {
		how = "is called " + quote.Name(s.Object.Name()) + " by now"
	}
	return &krm.FieldError{Code: codes.NameChanges, Path: at, Message: fmt.Sprintf("%s %s %s, and no build tool changes a name inside a patch; "+
		"give its generator the option disableNameSuffixHash: true and no prefix, or put the certificates into the config: inline", kind, name, how)}
}
