package hardening_test

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
)

// A Deployment is hardened, and then judged as the Pod Security admission would.
func Example() {
	deployment := krm.NewObject(yaml.MustParse(`apiVersion: apps/v1
kind: Deployment
metadata: {name: tofu-controller}
spec:
  template:
    spec:
      hostPID: true # to be explained
      containers:
      - name: manager
        image: registry.example.com/tofu-controller:v1
        securityContext: {privileged: true, capabilities: {drop: [ALL]}}
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
`).YNode(), nil)
	config := &v1alpha1.SecurityContext{Profile: v1alpha1.Restricted}
	pod := hardening.Pod{Template: deployment.Edit().Get("spec", "template"), Config: config, Controllers: []int{0}}

	findings := pod.Harden()
	verdict, err := hardening.Judge(pod.Template, config)
	if err := deployment.Err(); err != nil {
		fmt.Println(err)
	}
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range append(findings, verdict.Findings(deployment, krm.Warning)...) {
		fmt.Printf("%s %s: %s\n", f.Severity, f.Code, f.Message)
	}
	fmt.Print(yaml.NewRNode(pod.Template.Node).MustString())
	// Output:
	// warning Hardened: true replaced by false
	// info Hardened: set to false
	// info Hardened: set to true
	// info Hardened: set to RuntimeDefault
	// info Hardened: set to true
	// warning RefusedByPodSecurity: host namespaces (hostPID=true): refused by Pod Security restricted:v1.37; left as it is, because the pod may need it
	// spec:
	//   hostPID: true # to be explained
	//   containers:
	//   - name: manager
	//     image: registry.example.com/tofu-controller:v1
	//     securityContext: {privileged: false, capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}, readOnlyRootFilesystem: true}
	//     volumeMounts: [{name: tmp, mountPath: /tmp}]
	//   volumes: [{name: tmp, emptyDir: {}}]
}
