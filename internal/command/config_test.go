package command

import (
	"os"
	"strings"
	"testing"

	"fluxtrust.dev/flux-trust/api/v1alpha1"
)

// TestFunctionConfig holds the annotated config against the types: it opens
// with the warning, every option in it is one, and none that works is left out.
func TestFunctionConfig(t *testing.T) {
	data, err := os.ReadFile("../../functionconfig.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if !strings.HasPrefix(text, "# Never put this under transformers:") {
		t.Error("it does not open with the warning")
	}
	config, err := v1alpha1.Parse("functionconfig.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Spec.CABundle) != 1 {
		t.Errorf("%d entries, want the one that most need", len(config.Spec.CABundle))
	}

	// A line "  #word" is an option; "  # Word" says why.
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		option := strings.Replace(line, "  #", "  ", 1)
		if strings.HasPrefix(line, "  #") && !strings.HasPrefix(line, "  # ") || strings.HasPrefix(line, "  #  ") {
			line = option
		}
		// These stand beside others for the reader to choose.
		for _, alternative := range []string{"exclude:", "initContainer:"} {
			line = strings.Replace(line, alternative, "# "+alternative, 1)
		}
		lines = append(lines, line)
	}
	full := strings.Join(lines, "\n")
	config, err = v1alpha1.Parse("functionconfig.yaml", []byte(full))
	if err != nil {
		t.Fatalf("with every option: %v\n%s", err, full)
	}
	if len(config.Spec.CABundle) != 4 || len(config.Spec.Controllers.Additional) != 1 || len(config.Spec.SecurityContext.ExceptContainers) != 1 ||
		len(config.Spec.Sources) != 1 {
		t.Errorf("with every option: %+v", config)
	}
	for _, option := range []string{
		"mode", "onNoControllers", "caBundle", "configMap", "secret", "clusterTrustBundle", "inline", "immutable", "pem", "optional", "allow", "fingerprints",
		"mount", "method", "path", "systemRoots", "initContainer",
		"securityContext", "profile", "exceptContainers", "controllers", "include", "exclude", "additional", "labelSelector",
		"sources", "kinds", "names", "hosts", "certSecretRef",
	} {
		if !strings.Contains(text, option+":") {
			t.Errorf("the option %s is not shown", option)
		}
	}
}
