package trust

import (
	"net/url"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/codes"
	"fluxtrust.dev/flux-trust/internal/inventory"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
)

// Completed says what the variables of a controller get that the config does not spell
// out.
func (s *Settings) Completed(c *v1alpha1.FluxTrust) krm.Findings {
	var found krm.Findings
	if s.Proxy != nil {
		added := slices.DeleteFunc(slices.Concat(inside(), s.Inside), func(entry string) bool { return slices.Contains(s.Proxy.No, entry) })
		found.Add(krm.Info, codes.NoProxyCompleted, About(c), krm.At("spec.proxy.no"),
			noProxy+" also gets what Flux reaches without the proxy: %s", strings.Join(added, ", "))
	}
	if s.Extras.AcceptNegativeSerials {
		found.Add(krm.Info, codes.NegativeSerialsAccepted, About(c), krm.At("spec.extras.acceptNegativeSerials"),
			"sets "+debug+"="+AcceptNegativeSerials+" beside the other settings there, so the controllers accept certificates with a negative serial number, which Go refuses since 1.23; remove it when nobody issues them any more")
	}
	return found
}

// CheckProxySecret looks into the Secret with the URL of a proxy.
func CheckProxySecret(x *v1alpha1.Proxy, stores *inventory.Stores, namespaces []string) krm.Findings {
	var found krm.Findings
	ref := x.SecretRef
	if ref == nil {
		return nil
	}
	s, _ := stores.Find(inventory.Secret, ref.Name, namespaces)
	if s == nil {
		found.Add(krm.Info, codes.ProxySecret, krm.Reference("v1", inventory.Secret, namespaces[0], ref.Name), krm.Difference{},
			"is not in the stream, so nothing was looked at; it must exist before Flux starts, with the whole URL of the proxy under %s, or the pods hang in CreateContainerConfigError", quote.Key(ref.Key))
		return found
	}
	v, ok := s.Values[ref.Key]
	switch {
	case s.Err != nil:
		found.Fail(s.Object, s.Err)
	case !ok && s.Unknown != inventory.OpenShiftFills:
		found.Add(krm.Error, codes.ProxySecret, s.Object, krm.At("data"), "has no key %q, which spec.proxy.secretRef names; it has %s", quote.Key(ref.Key), KeysOf(s))
	case v.Err != nil:
		found.Fail(s.Object, v.Err)
	case s.Unknown != "" || s.UnknownValue(v) != "":
		found.Add(krm.Info, codes.ProxySecret, s.Object, krm.At(v.Path), "holds the URL of the proxy, and cannot be read here: %s", s.Unknown+s.UnknownValue(v))
	default:
		checkURL(&found, s, v)
	}
	return found
}

func checkURL(found *krm.Findings, s *inventory.Store, v inventory.Value) {
	text := string(v.Text)
	u, err := url.Parse(strings.TrimSpace(text))
	_, user := s.Values["username"]
	switch {
	case err != nil || u.Host == "" || !v1alpha1.IsProxyScheme(u.Scheme):
		found.Add(krm.Error, codes.ProxySecret, s.Object, krm.At(v.Path), "is not the URL of a proxy; write http://USER:PASSWORD@HOST:PORT, with the password percent-encoded")
	case strings.TrimSpace(text) != text:
		found.Add(krm.Error, codes.ProxySecret, s.Object, krm.At(v.Path), "begins or ends with white space, and Go does not take it for a URL; write it without a line break (printf, not echo)")
	case u.User == nil && user:
		found.Add(krm.Warning, codes.ProxySecret, s.Object, krm.At(v.Path), "has no credentials, and those under username and password are for proxySecretRef: an env variable does not read them; put the whole URL under a key of its own, and name that in spec.proxy.secretRef.key")
	}
}

// CheckProxy says that a controller, in its object before or after, has a proxy, and would go through it to what is
// inside the cluster: that is how Flux behind a proxy breaks most. It is silent where
// the config has a proxy, which completes the list.
func CheckProxy(w *inventory.Workload, root krm.Field, s *Settings, i *inventory.Inventory) krm.Findings {
	var found krm.Findings
	if s.Proxy != nil || w.Object.Err() != nil {
		return nil
	}
	containers := w.In(root.Loose()).Items("spec", "template", "spec", "containers")
	for _, at := range w.Selected {
		checkProxied(&found, w.Object, containers[at], i)
	}
	return found
}

// CheckProxyEnv does the same for variables that an object gives to the controllers that
// it installs. The findings are about a field of it.
func CheckProxyEnv(o *krm.Object, container krm.Field, path string, s *Settings, i *inventory.Inventory) krm.Findings {
	var found krm.Findings
	if s.Proxy != nil {
		return nil
	}
	checkProxied(&found, o, container, i)
	for n := range found {
		found[n].Path = path
	}
	return found
}

// ProxyNames returns the names of the variables that say what goes through a proxy.
func ProxyNames() []string {
	var names []string
	for _, name := range proxyVariables() {
		names = append(names, name, strings.ToLower(name))
	}
	return names
}

// checkProxied checks a container.
func checkProxied(found *krm.Findings, o *krm.Object, container krm.Field, i *inventory.Inventory) {
	secure, plain := variableOf(container, httpsProxy), variableOf(container, httpProxy)
	for _, v := range []krm.Field{secure, plain} {
		if hasCredentials(v.Peek("value")) {
			found.Add(krm.Warning, codes.ProxyCredentials, o, krm.At(v.Path), "holds credentials, which everybody can read who may read a Deployment; put the whole URL into a Secret, and name that in spec.proxy.secretRef")
		}
	}
	if !secure.Exists() && !plain.Exists() {
		return
	}
	list := variableOf(container, noProxy)
	value := list.Peek("value")
	path := container.Path + ".env"
	if list.Exists() {
		path = list.Path + ".value"
	}
	if list.Get("valueFrom").Exists() || strings.Contains(value, "${") {
		found.Add(krm.Info, codes.NoProxyIncomplete, o, krm.At(list.Path), "comes from elsewhere, so nothing is said about whether it keeps what is inside the cluster away from the proxy")
		return
	}
	if missing := uncovered(strings.Split(value, ","), secure.Exists(), plain.Exists(), i); len(missing) > 0 {
		found.Add(krm.Warning, codes.NoProxyIncomplete, o, krm.At(path), "sends what is inside the cluster through the proxy: NO_PROXY lacks %s; add it, or name the proxy under spec.proxy, which does", strings.Join(missing, ", "))
	}
}

// variableOf returns the entry of a variable that Go would read, or an absent field.
func variableOf(container krm.Field, name string) krm.Field {
	for _, name := range []string{name, strings.ToLower(name)} {
		for _, entry := range container.Get("env").Named(name) {
			if entry.Get("valueFrom").Exists() || entry.Peek("value") != "" {
				return entry
			}
		}
	}
	return krm.Field{}
}

// uncovered returns what a list should have: the API server speaks TLS, the
// controllers among each other do not.
func uncovered(list []string, secure, plain bool, i *inventory.Inventory) []string {
	var missing []string
	if plain {
		hosts := i.Inside()
		if len(hosts) == 0 {
			hosts = []string{".cluster.local."}
		}
		for _, host := range hosts {
			name := host
			if strings.HasPrefix(host, ".") {
				name = "source-controller.flux-system.svc" + host
			}
			if !bypasses(list, name) && (strings.HasSuffix(host, ".") || !slices.Contains(hosts, host+".")) {
				missing = append(missing, host)
			}
		}
	}
	if secure && !slices.ContainsFunc(list, mayBeAPIServer) {
		missing = append(missing, "the API server: "+apiServer+", or its address")
	}
	return missing
}

// mayBeAPIServer reports whether an entry is an address, or a network: which one the
// API server has is not known here.
func mayBeAPIServer(entry string) bool {
	entry = strings.TrimSpace(entry)
	return entry == "*" || entry == apiServer || entry != "" && strings.Trim(entry, "0123456789./:abcdefABCDEF") == "" && strings.ContainsAny(entry, ".:") &&
		!strings.HasPrefix(entry, "127.") && !strings.HasPrefix(entry, "169.254.") && strings.ContainsAny(entry, "0123456789")
}
