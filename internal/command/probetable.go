package command

import (
	"fmt"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/probe"
)

// finding is what several reports say alike.
type finding struct {
	reports []probe.Report
	// hosts and sources are those of the reports, each once, in their order.
	hosts, sources []string
}

// results are in the order in which they are printed: what matters most stands next
// to the prompt.
func results() []struct {
	result      probe.Result
	mark, color string
} {
	return []struct {
		result      probe.Result
		mark, color string
	}{{probe.OK, "√", green}, {probe.Skipped, "-", ""}, {probe.Unchecked, "!", yellow}, {probe.Failed, "×", red}}
}

// table has a line per host with the sources behind it, and below a failure its cure.
// What is equal is said once.
func (p *probing) table(s style) string {
	var out strings.Builder
	for _, kind := range results() {
		for _, f := range p.findings(kind.result) {
			mark := kind.mark
			if kind.color != "" {
				mark = s.paint(kind.color, mark)
			}
			if kind.result == probe.OK || kind.result == probe.Skipped {
				f.line(&out, mark, s)
			} else {
				f.complain(&out, mark, s)
			}
		}
	}
	fmt.Fprintf(&out, "\n%s, %d failed, %d unchecked, %d skipped\n", krm.Count(p.OK, "host")+" ok", p.Failed, p.Unchecked, p.Skipped)
	return out.String()
}

// findings groups the reports with a result.
func (p *probing) findings(result probe.Result) []*finding {
	var order []*finding
	byKey := map[string]*finding{}
	for _, r := range p.Reports {
		if r.Result != result {
			continue
		}
		key := strings.Join([]string{r.Host, r.Proxy, r.Expected, strings.Join(r.TrustedBy, ", "), strings.Join(r.Notes, "\n"), chain(r.Chain)}, "\n")
		if f := r.Failure; f != nil {
			// Hosts with the same failure are one finding.
			key = strings.Join([]string{string(f.Code), strings.ReplaceAll(f.Error, r.Host, ""), strings.ReplaceAll(f.Cure, r.Host, ""), r.Proxy, r.Expected, strings.Join(r.Notes, "\n")}, "\n")
			if r.Inspector != nil {
				key += r.Inspector.Subject
			}
		}
		f := byKey[key]
		if f == nil {
			f = &finding{}
			byKey[key] = f
			order = append(order, f)
		}
		f.add(r)
	}
	return order
}

func (f *finding) add(r probe.Report) {
	host, source := r.Host, r.Source
	if r.Role != "" && r.Role != "source" {
		source += " (" + r.Role + ")"
	}
	if host != "" && !slices.Contains(f.hosts, host) {
		f.hosts = append(f.hosts, host)
	}
	if !slices.Contains(f.sources, source) {
		f.sources = append(f.sources, source)
	}
	f.reports = append(f.reports, r)
}

// line writes a host that needs no further word.
func (f *finding) line(out *strings.Builder, mark string, s style) {
	r := f.reports[0]
	text := orDash(r.Host)
	if len(r.TrustedBy) > 0 {
		text += "  by " + strings.Join(r.TrustedBy, ", ") + " (" + r.Chain[len(r.Chain)-1].Issuer + ")"
	}
	fmt.Fprintf(out, "%s %s  for %s\n", mark, text, listed(f.sources, s))
	f.rest(out, s)
}

// complain writes what fails or is not known, and what to do about it.
func (f *finding) complain(out *strings.Builder, mark string, s style) {
	r := f.reports[0]
	through := ""
	if r.Proxy != "" {
		through = " (through the proxy " + r.Proxy + ")"
	}
	fmt.Fprintf(out, "%s %s  for %s\n", mark, orDash(listed(f.hosts, s)), listed(f.sources, s))
	out.WriteString(s.wrap("    ", string(r.Failure.Code)+": "+r.Failure.Error+through))
	out.WriteString(s.wrap("    ", "cure: "+r.Failure.Cure))
	out.WriteString(s.wrap("    ", "more: docs/troubleshooting.md#"+strings.ToLower(string(r.Failure.Code))))
	if len(r.Chain) > 0 {
		out.WriteString(s.wrap("    ", "chain: "+chain(r.Chain)))
	}
	if i := r.Inspector; i != nil {
		fingerprint := i.Fingerprint
		if fingerprint == "" {
			fingerprint = "not presented, so its SHA-256 is not known"
		}
		out.WriteString(s.wrap("    ", "looks like an inspecting proxy that is not in the bundle: "+i.Why))
		out.WriteString(s.wrap("    ", "its root: "+i.Subject+", "+fingerprint))
		out.WriteString(s.wrap("    ", "compare it with what the owner of the proxy gives you before you add it"))
	}
	f.rest(out, s)
}

// rest writes why a host is expected, and notes.
func (f *finding) rest(out *strings.Builder, s style) {
	r := f.reports[0]
	if r.Expected != "" {
		out.WriteString(s.wrap("    ", "expected: "+r.Expected))
	}
	for _, note := range r.Notes {
		out.WriteString(s.wrap("    ", "note: "+note))
	}
}

// listed joins names as far as there is room for them.
func listed(names []string, s style) string {
	most := 5
	if s.width > 0 {
		room := s.width
		for most = 0; most < len(names) && (most == 0 || room > len(names[most])); most++ {
			room -= len(names[most]) + 2
		}
	}
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// chain names what a host has presented, its own certificate first, and who signed
// the last one.
func chain(certificates []probe.Certificate) string {
	if len(certificates) == 0 {
		return "-"
	}
	var names []string
	for _, c := range certificates {
		names = append(names, c.Subject)
	}
	text := strings.Join(names, " < ")
	if last := certificates[len(certificates)-1]; last.Issuer != last.Subject {
		text += ", issued by " + last.Issuer
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
