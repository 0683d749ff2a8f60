package setup

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/flux"
	"fluxtrust.dev/flux-trust/internal/kustomization"
	"fluxtrust.dev/flux-trust/transformer"
)

// empty plans a folder without manifests: what it gets is used where Flux is built.
func (o *Options) empty(c *config, given []Root) (*Plan, error) {
	files, err := yamlFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	store, t, err := o.configMap(c, files, given, []string{o.Namespace})
	if err != nil {
		return nil, err
	}
	outcome, err := o.overStock(c, string(store.After))
	if err != nil {
		return nil, err
	}
	p := o.planOf(Empty, c, t, outcome)
	return p, p.settle(given, c, t, store, c.file())
}

// overStock is the outcome of the function over a stock install of Flux and a ConfigMap.
func (o *Options) overStock(c *config, configMap string) (transformer.Outcome, error) {
	object, err := yaml.Parse(configMap)
	if err != nil {
		return transformer.Outcome{}, fmt.Errorf("the ConfigMap: %w", err)
	}
	options := transformer.PatchOptions{FollowsNames: true, Namespace: o.Namespace, Components: flux.Names()}
	_, outcome := transformer.Patches(c.FluxTrust, []transformer.Resource{{Node: object}}, options, o.Now)
	return outcome, nil
}

// remote plans a kustomization that fetches Flux: what it builds cannot be seen from
// here.
func (o *Options) remote(c *config, pem kustomization.File, t trusted, given []Root, fetched *kustomization.RemoteError) (*Plan, error) {
	if c.now == nil { // where it stands differs
		if err := c.rewrite(Remote); err != nil {
			return nil, err
		}
		if err := c.pin(t, o.Fingerprints); err != nil {
			return nil, err
		}
	}
	object := fmt.Sprintf(manifest, c.source().ConfigMap.Name, o.Namespace, c.key(), indented(t.text))
	outcome, err := o.overStock(c, object)
	if err != nil {
		return nil, err
	}
	p := o.planOf(Remote, c, t, outcome)
	p.fetched = fetched
	return p, p.settle(given, c, t, pem, c.file())
}
