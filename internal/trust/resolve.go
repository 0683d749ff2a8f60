package trust

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/bundle"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// notInStream says why the content of an object is not known.
const notInStream = "it is not in the stream"

// resolve finds the object of an entry, checks its content and returns the
// projection of the volume. An error is about the config.
func (r *resolver) resolve(e *entry) (Projection, error) {
	switch {
	case e.Inline != nil:
		return r.resolveInline(e)
	case e.ClusterTrustBundle != nil:
		return r.resolveClusterTrustBundle(e)
	case e.Secret != nil:
		return r.resolveKeys(e, inventory.Secret, e.Secret.Name, e.Secret.Keys, e.at+".secret")
	default:
		return r.resolveKeys(e, inventory.ConfigMap, e.ConfigMap.Name, e.ConfigMap.Keys, e.at+".configMap")
	}
}

// InlineName returns the name of the ConfigMap of an inline entry.
func InlineName(i *v1alpha1.InlineSource) string {
	if !i.Immutable {
		return i.Name
	}
	const digits = 10
	sum := sha256.Sum256([]byte(i.PEM))
	// In kustomize's alphabet, which spells no words.
	letters := strings.NewReplacer("0", "g", "1", "h", "3", "k", "a", "m", "e", "t")
	return i.Name + "-" + letters.Replace(hex.EncodeToString(sum[:])[:digits])
}

func (r *resolver) resolveInline(e *entry) (Projection, error) {
	path := e.at + ".inline.pem"
	if strings.Contains(e.Inline.PEM, "${") {
		return Projection{}, &krm.FieldError{Code: codes.Placeholder, Path: path, Message: "holds a ${…}; Flux's substitution strips the newlines of a PEM, so write the certificate itself"}
	}
	r.read(e, r.about, path, []byte(e.Inline.PEM), "")
	p := r.project(e, InlineName(e.Inline), e.Inline.Name, []string{v1alpha1.DefaultSecretKey})
	p.settled = true
	return p, nil
}

func (r *resolver) resolveKeys(e *entry, kind, name string, keys []string, path string) (Projection, error) {
	s, other := r.stores.Find(kind, name, r.namespaces)
	written := r.stores.WrittenBy(kind, name, r.namespaces, keys)
	if s == nil {
		if e.unknown = written; written == "" {
			e.unknown = notInStream
			r.reportNotInStream(e, kind, name, r.namespaces[0])
		}
		if len(keys) == 0 && (len(r.config.Spec.CABundle) > 1 || methodOf(r.config.Spec.Mount.Method).needsKeys) {
			return Projection{}, keysNotKnown(path, kind, name)
		}
		return r.project(e, name, name, keys), nil
	}
	r.bundle.Stores = append(r.bundle.Stores, s)
	switch {
	case s.Err != nil:
		r.found.Fail(s.Object, s.Err)
		return Projection{}, krm.ErrReported
	case other != nil: // two objects of finished builds, and nothing says which is that of today
		return Projection{}, &krm.FieldError{Code: codes.Ambiguous, Path: path, Message: fmt.Sprintf("both %s and %s in the stream may be meant; remove the old one",
			quote.Name(s.Object.Name()), quote.Name(other.Object.Name()))}
	}
	e.unknown = cmp.Or(s.Unknown, written)
	e.marked = e.unknown != ""
	r.checkNamesakes(e, s, keys, path)
	listed := len(keys) > 0
	if !listed {
		keys = s.Keys()
	}
	if len(keys) == 0 {
		return Projection{}, keysNotKnown(path, kind, name)
	}
	if s.Made {
		r.checkKeys(e, s, keys, path)
		return r.project(e, name, name, keys), nil
	}
	r.checkNamespace(e, s)
	if e.unknown == "" {
		r.check(e, s, keys, path, listed)
	} else {
		r.checkKeys(e, s, keys, path)
	}
	p := r.project(e, r.nameOf(s, name), name, keys)
	p.settled = true
	return p, nil
}

// nameOf returns the name under which controllers must refer to an object: the
// configured one, which a build tool renames in both places, unless a finished build
// has left its suffix on the object alone, and nothing follows it.
func (r *resolver) nameOf(s *inventory.Store, configured string) string {
	if r.options.FollowsNames || slices.Contains(s.Object.Names, configured) {
		return configured
	}
	return s.Object.Name()
}

// checkNamespace warns of an object that is not where the controllers are.
func (r *resolver) checkNamespace(e *entry, s *inventory.Store) {
	switch namespace := r.namespaces[0]; {
	case namespace == "" && s.Object.Namespace() != "":
		r.find(e, s.Object, krm.Warning, codes.NotInStream, "metadata.namespace", fmt.Sprintf(
			"is %s, and the controllers have none; both must end up in the same namespace", quote.Name(s.Object.Namespace())))
	case namespace != "" && slices.Equal(s.Object.Namespaces, []string{""}):
		r.find(e, s.Object, krm.Warning, codes.NotInStream, "metadata.namespace", fmt.Sprintf(
			"is missing, and the controllers are in %s; write namespace: %[1]s, also on a configMapGenerator, or kustomize does not link the two", quote.Name(namespace)))
	}
}

// checkKeys looks for keys of an object whose content is not known. OpenShift and what
// writes a Secret add keys; everybody else leaves their names readable.
func (r *resolver) checkKeys(e *entry, s *inventory.Store, keys []string, path string) {
	for _, key := range keys {
		if _, ok := s.Values[key]; !ok && !e.Optional && s.Unknown != "" && s.Unknown != inventory.OpenShiftFills {
			r.reportNoKey(e, s, key, path)
		}
		r.searchKeys(e, s, s.Values[key])
	}
}

// searchKeys refuses a private key in a value of which nothing else is known: it stands
// in the stream, and is mounted until somebody else has the last word.
func (r *resolver) searchKeys(e *entry, s *inventory.Store, v inventory.Value) {
	for _, f := range bundle.Keys(v.Text) {
		r.report(e, s.Object, krm.Error, krm.Code(f.Code), v.Path, "%s", f)
	}
}

func (r *resolver) reportNoKey(e *entry, s *inventory.Store, key, path string) {
	r.report(e, r.about, krm.Error, codes.NoSuchKey, path+".keys", "%s %s has no key %q; it has %s", s.Kind, quote.Name(s.Object.Name()), key, KeysOf(s))
}

// KeysOf lists the keys of an object for a message.
func KeysOf(s *inventory.Store) string {
	return cmp.Or(strings.Join(quote.Each(quote.Key, s.Keys()), ", "), "none")
}

func keysNotKnown(path, kind, name string) error {
	return &krm.FieldError{Code: codes.KeysUnknown, Path: path + ".keys", Message: fmt.Sprintf("the keys of %s %q are not known; write them here", kind, name)}
}

// check reads the keys of an object. What it finds is reported at the object.
func (r *resolver) check(e *entry, s *inventory.Store, keys []string, path string, listed bool) {
	size := 0
	for _, v := range s.Values {
		size += len(v.Text)
	}
	if size > bundle.MaxSize {
		r.report(e, s.Object, krm.Error, krm.Code(bundle.TooLarge), "data", "has %d KiB in all its keys; the API server takes at most %d KiB", size>>10, bundle.MaxSize>>10)
	}
	for _, key := range keys {
		v, ok := s.Values[key]
		switch {
		case !ok && e.Optional:
			e.unknown = "an optional key is missing"
			r.report(e, s.Object, krm.Warning, codes.NoSuchKey, "data", "has no key %q, which %s names; it has %s", key, path, KeysOf(s))
		case !ok:
			r.reportNoKey(e, s, key, path)
		case v.Err != nil:
			e.failed = true
			r.found.Fail(s.Object, v.Err)
		case s.UnknownValue(v) != "":
			e.marked = true
			r.searchKeys(e, s, v)
			if e.unknown = s.UnknownValue(v); e.unknown == inventory.Substituted {
				r.report(e, s.Object, krm.Warning, codes.Placeholder, v.Path, "holds a ${…}: Flux's substitution strips the newlines of a value, and Go trusts nothing of a PEM without them; write the certificate itself")
			}
		default:
			hint := ""
			if !listed && len(keys) > 1 {
				hint = "; if this is not a certificate, list the keys that are under " + path + ".keys"
			}
			r.read(e, s.Object, v.Path, v.Text, hint)
		}
	}
}

// reportNotInStream says that an object is somebody else's to provide, or that
// it is in the wrong namespace.
func (r *resolver) reportNotInStream(e *entry, kind, name, namespace string) {
	about := krm.Reference("v1", kind, namespace, name)
	elsewhere, _ := r.stores.Find(kind, name, []string{""})
	switch {
	case e.Optional:
		r.report(e, about, krm.Info, codes.NotInStream, "", "is not in the stream and optional: the pods start without it, and trust it after a restart")
	case elsewhere != nil:
		r.find(e, about, krm.Error, codes.NotInStream, "", fmt.Sprintf(
			"the stream has it in namespace %s only, from where the controllers cannot mount it; put it into namespace %s, or write allow: [NotInStream] on its entry if something copies it there",
			quote.Name(elsewhere.Namespaces()[0]), quote.Name(namespace)))
	default:
		r.find(e, about, krm.Warning, codes.NotInStream, "", "is not in the stream"+r.similar(kind, name)+
			", so it must exist before Flux starts, or the pods hang in ContainerCreating; allow: [NotInStream] on its entry says that it will, optional: true lets the pods start without it")
	}
}

// similar names objects of the stream that may have been meant. What a build has named
// anew no longer says what it was.
func (r *resolver) similar(kind, name string) string {
	var names []string
	renamed := ""
	for _, s := range r.stores.OfKind(kind) {
		if s.Unknown == "" && s.HoldsCertificate() {
			names = append(names, quote.Name(s.Object.Name()))
			own := inventory.WithoutSuffix(s.Object.Name())
			if own != name && (strings.HasSuffix(own, name) || strings.HasPrefix(own, name) && own != s.Object.Name()) {
				renamed = "; where a namePrefix or nameSuffix has made that of it, its folder can be checked, and not what it builds: flux-trust patches CONFIG --check DIR"
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (which has " + strings.Join(names, ", ") + renamed + ")"
}

func (r *resolver) resolveClusterTrustBundle(e *entry) (Projection, error) {
	c, at := e.ClusterTrustBundle, e.at+".clusterTrustBundle"
	r.find(e, r.about, krm.Warning, codes.KubernetesVersion, at,
		"needs Kubernetes 1.37; before that, an API server and kubelets with the feature gates ClusterTrustBundle and ClusterTrustBundleProjection (1.33)")
	selector, err := labels.Parse(c.LabelSelector)
	if err != nil {
		return Projection{}, &krm.FieldError{Code: codes.InvalidConfig, Path: at + ".labelSelector", Message: err.Error()}
	}
	found := false
	for _, s := range r.stores.All {
		named := c.Name != "" && slices.ContainsFunc(s.Object.Names, func(own string) bool { return inventory.IsNamed(own, c.Name) })
		signed := c.SignerName != "" && s.Object.Before.Peek("spec", "signerName") == c.SignerName && selector.Matches(labels.Set(s.Labels))
		if s.Kind != inventory.ClusterTrustBundle || !named && !signed {
			continue
		}
		found = true
		switch {
		case s.Err != nil:
			r.found.Fail(s.Object, s.Err)
			e.failed = true
		case s.Unknown != "":
			e.unknown, e.marked = s.Unknown, true
		default:
			r.check(e, s, []string{inventory.TrustBundleKey}, at, true)
		}
	}
	switch {
	case e.marked:
	case c.SignerName != "":
		e.unknown = "the cluster may have more bundles of this signer"
	case !found:
		e.unknown = notInStream
		r.reportNotInStream(e, inventory.ClusterTrustBundle, c.Name, "")
	}
	return r.projectTrustBundle(e)
}
