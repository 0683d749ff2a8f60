package command

import (
	"fmt"
	"io"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/report"
	"fluxtrust.dev/flux-trust/transformer"
)

// printOutcome writes warnings, errors and one summary line. kustomize shows
// no results, so stderr is all that its users see.
func printOutcome(errOut io.Writer, o transformer.Outcome) {
	text, count := complaints(o)
	switch {
	case o.Validated:
		fmt.Fprintf(text, "flux-trust: %s checked, %d not as configured, %s, %s\n",
			krm.Count(o.Controllers, "controller"), o.Changed, krm.Count(count[krm.Error], "error"), krm.Count(count[krm.Warning], "warning"))
	case count[krm.Error] > 0:
		fmt.Fprintf(text, "flux-trust: nothing changed: %s, %s\n", krm.Count(count[krm.Error], "error"), krm.Count(count[krm.Warning], "warning"))
	default:
		restored := ""
		if o.Released > 0 {
			restored = fmt.Sprintf(", %d restored", o.Released)
		}
		if o.Sources+o.SourcesReleased > 0 {
			restored += fmt.Sprintf(", %s selected, %d changed", krm.Count(o.Sources, "source"), o.SourcesChanged)
		}
		fmt.Fprintf(text, "flux-trust: %s found, %d changed%s, %s\n", krm.Count(o.Controllers, "controller"), o.Changed, restored, krm.Count(count[krm.Warning], "warning"))
	}
	// Where stderr is closed there is nobody left to tell.
	_, _ = io.WriteString(errOut, text.String())
}

// complaints writes warnings and errors, and counts findings. What a validation finds of
// several controllers alike is said once.
func complaints(o transformer.Outcome) (*strings.Builder, map[krm.Severity]int) {
	text, count := &strings.Builder{}, map[krm.Severity]int{}
	var told []report.Finding
	for _, f := range findings(o) {
		if count[f.Severity]++; f.Severity != krm.Info {
			told = append(told, f)
		}
	}
	if o.Validated {
		for _, line := range report.Together(told) {
			fmt.Fprintf(text, "flux-trust: %s\n", line)
		}
		return text, count
	}
	for i := range told {
		fmt.Fprintf(text, "flux-trust: %s: %s\n", told[i].Severity, &told[i])
	}
	return text, count
}

// printPatched does the same for patches.
func printPatched(errOut io.Writer, made int, o transformer.Outcome) {
	text, count := complaints(o)
	patches := "1 patch"
	if made != 1 {
		patches = fmt.Sprintf("%d patches", made)
	}
	fmt.Fprintf(text, "flux-trust: %s for %s, %s\n", patches, krm.Count(o.Controllers, "controller"), krm.Count(count[krm.Warning], "warning"))
	_, _ = io.WriteString(errOut, text.String())
}
