package transformer_test

import (
	"fmt"
	"time"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/transformer"
)

const config = `
apiVersion: fluxtrust.dev/v1alpha1
kind: FluxTrust
metadata: {name: corporate-ca}
spec:
  caBundle:
  - configMap: {name: corp-ca, keys: [ca.crt]}
    allow: [NotInStream]
`

const controller = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: source-controller, namespace: flux-system}
spec:
  selector: {matchLabels: {app: source-controller}}
  template:
    metadata: {labels: {app: source-controller}}
    spec:
      containers:
      - name: manager
        image: ghcr.io/fluxcd/source-controller:v1.9.6
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          seccompProfile: {type: RuntimeDefault}
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
`

// A controller trusts the bundle afterwards.
func ExampleRun() {
	c, err := v1alpha1.Parse("functionconfig.yaml", []byte(config))
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome := transformer.Run(c, []transformer.Resource{{Node: yaml.MustParse(controller)}}, time.Now())
	fmt.Printf("%d of %d changed\n", outcome.Changed, outcome.Controllers)
	for _, f := range outcome.Findings {
		fmt.Printf("%s %s: %s\n", f.Severity, f.Code, f.Message)
	}
	env, err := outcome.Items[0].Pipe(yaml.Lookup("spec", "template", "spec", "containers", "[name=manager]", "env", "[name=SSL_CERT_DIR]", "value"))
	fmt.Println(env.YNode().Value, err)
	// Output:
	// 1 of 1 changed
	// info NotInStream: is not in the stream, so it must exist before Flux starts, or the pods hang in ContainerCreating; allow: [NotInStream] on its entry says that it will, optional: true lets the pods start without it (allowed: NotInStream)
	// info RestartByHand: the pods do not restart by themselves when the CA bundle changes, because its content is not known (spec.caBundle[0]: it is not in the stream); restart them after a change
	// info Trusts: trusts ConfigMap corp-ca, mounted at /etc/ssl/flux-trust
	// /etc/ssl/certs:/etc/ssl/flux-trust <nil>
}

// In the mode Validate nothing is changed, and everything that a run would change is an
// error.
func ExampleRun_validate() {
	c, err := v1alpha1.Parse("functionconfig.yaml", []byte(config))
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome := transformer.Run(c, []transformer.Resource{{Node: yaml.MustParse(controller)}}, time.Now())
	c.Spec.Mode, c.Spec.Mount.Path = v1alpha1.Validate, "/opt/ca"
	outcome = transformer.Run(c, []transformer.Resource{{Node: outcome.Items[0]}}, time.Now())
	for _, f := range outcome.Findings {
		if f.Severity == "error" {
			fmt.Println(f.Path, f.Message)
		}
	}
	for _, v := range outcome.Verdicts {
		fmt.Printf("%s, %s: %d violations\n", v.Name, v.Policy, len(v.Violations))
	}
	// Output:
	// spec.template.spec.containers.[name=manager].volumeMounts.[name=flux-trust-ca].mountPath is /etc/ssl/flux-trust; it must be /opt/ca
	// spec.template.spec.containers.[name=manager].env.[name=SSL_CERT_DIR].value is /etc/ssl/certs:/etc/ssl/flux-trust; it must be /etc/ssl/certs:/opt/ca
	// source-controller, restricted:v1.37: 0 violations
}

// The same change as patches of kustomize.
func ExamplePatches() {
	c, err := v1alpha1.Parse("functionconfig.yaml", []byte(config))
	if err != nil {
		fmt.Println(err)
		return
	}
	made, outcome := transformer.Patches(c, []transformer.Resource{{Node: yaml.MustParse(controller)}}, transformer.PatchOptions{}, time.Now())
	if outcome.Failed() {
		fmt.Println(outcome.Findings)
		return
	}
	for _, p := range made {
		fmt.Print(p.Body)
	}
	// Output:
	// # fluxtrust.dev/config: corporate-ca
	// apiVersion: apps/v1
	// kind: Deployment
	// metadata:
	//   name: all
	//   annotations:
	//     fluxtrust.dev/config: corporate-ca
	//     fluxtrust.dev/previous: '{"manager":{"SSL_CERT_DIR":null}}'
	// spec:
	//   template:
	//     spec:
	//       containers:
	//       - name: manager
	//         volumeMounts:
	//         - name: flux-trust-ca
	//           mountPath: /etc/ssl/flux-trust
	//           readOnly: true
	//         env:
	//         - name: SSL_CERT_DIR
	//           value: /etc/ssl/certs:/etc/ssl/flux-trust
	//       volumes:
	//       - name: flux-trust-ca
	//         projected:
	//           sources:
	//           - configMap:
	//               name: corp-ca
	//               items:
	//               - key: ca.crt
	//                 path: corp-ca-ca.crt
}
