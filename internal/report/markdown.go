package report

import (
	"fmt"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/quote"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// markdown is for a comment on a pull request.
func (r *Report) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "**%s**\n", r.verdict())
	r.markdownFolders(&out)
	r.markdownFindings(&out)
	r.markdownRoots(&out)
	if len(r.Exceptions) > 0 {
		out.WriteString("\n**Exceptions in force**\n\n")
		for _, e := range r.Exceptions {
			fmt.Fprintf(&out, "- %s\n", quote.Markdown(e))
		}
	}
	fmt.Fprintf(&out, "\nFluxTrust %s in %s, %s %s\n", quote.Markdown(r.ConfigName), quote.Markdown(r.Config), r.Tool, quote.Markdown(r.Version))
	return out.String()
}

func (r *Report) markdownFindings(out *strings.Builder) {
	head := "\n| | code | finding | where |\n|---|---|---|---|\n"
	for _, g := range r.groups() {
		if g.Severity == krm.Info {
			continue // the pull request is not about them
		}
		where := make([]string, 0, len(g.all))
		for _, o := range g.objects() {
			where = append(where, quote.Markdown(o))
		}
		fmt.Fprintf(out, "%s| %s | [%s](%s) | %s | %s |\n", head, g.Severity, g.Code, Help(g.Code), quote.Markdown(g.sentence()), strings.Join(where, "<br>"))
		head = ""
	}
}

func (r *Report) markdownRoots(out *strings.Builder) {
	head := "\n| | root | expires | SHA-256 |\n|---|---|---|---|\n"
	row := func(change string, root trust.Root) {
		if lacking := r.lacking(root); len(lacking) > 0 {
			change = strings.TrimPrefix(change+", not in "+quote.Markdown(strings.Join(lacking, "\n")), ", ")
		}
		fmt.Fprintf(out, "%s| %s | %s | %s | %s |\n", head, change, quote.Markdown(root.Subject), r.expiry(root.NotAfter), quote.Markdown(root.Fingerprint))
		head = ""
	}
	changes, stays := r.Changes, "stays"
	if changes == nil {
		changes, stays = &Changes{}, ""
	}
	for _, root := range changes.Added {
		row("**added**", root)
	}
	for _, root := range changes.Removed {
		row("**removed**", root)
	}
	for _, root := range without(r.Roots, changes.Added) {
		row(stays, root)
	}
	for _, text := range changes.Unknown {
		fmt.Fprintf(out, "\n**Not known:** %s\n", quote.Markdown(text))
	}
	if r.Changes != nil && len(changes.Added)+len(changes.Removed)+len(changes.Unknown) == 0 {
		fmt.Fprintf(out, "\nNo root was added or removed since %s.\n", quote.Markdown(changes.Since))
	}
}

// expiry says when a root expires, and how far that is where it is near.
func (r *Report) expiry(end time.Time) string {
	const day, near = 24 * time.Hour, 365
	days := int(end.Sub(r.Time) / day)
	switch {
	case end.Before(r.Time):
		return end.Format(time.DateOnly) + ", **expired**"
	case days > near:
		return end.Format(time.DateOnly)
	default:
		return end.Format(time.DateOnly) + ", in " + krm.Count(days, "day")
	}
}
