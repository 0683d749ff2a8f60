package command

import (
	"cmp"
	"fmt"
	"strings"

	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/pattern"
	"fluxtrust.dev/flux-trust/internal/probe"
)

// finding is what several reports say alike.
type finding struct {
	// first of the reports, which stands for all of them.
	first probe.Report
	// hosts are those of the reports, in their order, with the sources behind each.
	hosts  []string
	behind map[string]*names
}

// names are in the order in which they were first met.
type names struct{ krm.Once }

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
	h := p.Hosts
	out.WriteString("\n" + s.wrap("", fmt.Sprintf("%s; %s: %d ok, %d skipped, %d unchecked, %d failed",
		krm.Count(p.Sources, "source"), krm.Count(h.Total, "host"), h.OK, h.Skipped, h.Unchecked, h.Failed)))
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
		key := findingKey(r)
		f := byKey[key]
		if f == nil {
			f = &finding{first: r, behind: map[string]*names{}}
			byKey[key] = f
			order = append(order, f)
		}
		f.add(r)
	}
	return order
}

// address is one that a connection was tried to. Hosts behind one firewall have many.
var address = pattern.Pattern{Text: `\b(dial|read|write) (tcp )?\S+:\d+: `}

// findingKey is equal for reports that are told at once: what is said of one host, or
// one failure of many hosts.
func findingKey(r probe.Report) string {
	notes := strings.Join(r.Notes, "\n")
	f := r.Failure
	if f == nil {
		return strings.Join([]string{r.Host, r.Proxy, strings.Join(r.TrustedBy, ", "), notes, chain(r.Chain)}, "\n")
	}
	text, cure := address.Get().ReplaceAllString(f.Error, ""), f.Cure
	name, _, _ := strings.Cut(r.Host, ":")
	if name != "" {
		text, cure = strings.ReplaceAll(strings.ReplaceAll(text, r.Host, ""), name, ""), strings.ReplaceAll(strings.ReplaceAll(cure, r.Host, ""), name, "")
	}
	inspector := ""
	if r.Inspector != nil {
		inspector = r.Inspector.Subject
	}
	return strings.Join([]string{string(f.Code), text, cure, r.Proxy, notes, inspector}, "\n")
}

func (f *finding) add(r probe.Report) {
	var as []string
	if r.Role != "" && r.Role != "source" {
		as = append(as, r.Role)
	}
	if r.Expected != "" {
		as = append(as, "expected: "+r.Expected)
	}
	source := r.Source
	if len(as) > 0 {
		source += " (" + strings.Join(as, ", ") + ")"
	}
	if f.behind[r.Host] == nil {
		f.behind[r.Host] = &names{}
		f.hosts = append(f.hosts, r.Host)
	}
	f.behind[r.Host].Add(source)
}

// maxHosts is the number of hosts that a finding names.
const maxHosts = 10

// lines writes a line per host, with the sources behind it.
func (f *finding) lines(out *strings.Builder, mark, what string, s style) {
	for i, host := range f.hosts {
		if rest := len(f.hosts) - i; i == maxHosts && rest > 1 {
			fmt.Fprintf(out, "%s and %d hosts more\n", mark, rest)
			return
		}
		out.WriteString(s.marked(mark, cmp.Or(host, "-")+what+"  for "+f.behind[host].listed(s)))
	}
}

// line writes a host that needs no further word.
func (f *finding) line(out *strings.Builder, mark string, s style) {
	what := ""
	if r := f.first; len(r.TrustedBy) > 0 {
		what = "  by " + strings.Join(r.TrustedBy, ", ") + " (" + r.Chain[len(r.Chain)-1].Issuer + ")"
	}
	f.lines(out, mark, what, s)
	f.notes(out, s)
}

// complain writes what fails or is not known, and what to do about it. Of several hosts
// it shows the first.
func (f *finding) complain(out *strings.Builder, mark string, s style) {
	r := f.first
	through, of := "", ""
	if r.Proxy != "" {
		through = " (through the proxy " + r.Proxy + ")"
	}
	if len(f.hosts) > 1 {
		of = " of " + r.Host
	}
	f.lines(out, mark, "", s)
	out.WriteString(s.wrap("    ", string(r.Failure.Code)+": "+r.Failure.Error+through))
	out.WriteString(s.cured(r.Failure))
	if len(r.Chain) > 0 {
		out.WriteString(s.wrap("    ", "chain"+of+": "+chain(r.Chain)))
	}
	if i := r.Inspector; i != nil {
		inspected(out, i, s)
	}
	f.notes(out, s)
}

// cured says what to do about a failure, and where to read more.
func (s style) cured(f *probe.Failure) string {
	return s.wrap("    ", "cure: "+f.Cure) + s.wrap("    ", "more: docs/troubleshooting.md#"+strings.ToLower(string(f.Code)))
}

// inspected writes about the root of a proxy.
func inspected(out *strings.Builder, i *probe.Inspector, s style) {
	out.WriteString(s.wrap("    ", "looks like an inspecting proxy that is not in the bundle: "+i.Why))
	out.WriteString(s.wrap("    ", "its root: "+i.Subject+", "+cmp.Or(i.Fingerprint, "not presented, so its SHA-256 is not known")))
	out.WriteString(s.wrap("    ", "compare it with what the owner of the proxy gives you before you add it"))
}

func (f *finding) notes(out *strings.Builder, s style) {
	for _, note := range f.first.Notes {
		out.WriteString(s.wrap("    ", "note: "+note))
	}
}

// listed joins names as far as there is room for them: five, or what a line of the
// terminal holds.
func (n *names) listed(s style) string {
	most := 5
	if s.width > 0 {
		room := s.width
		for most = 0; most < len(n.All) && (most == 0 || room > len(n.All[most])); most++ {
			room -= len(n.All[most]) + len(", ")
		}
	}
	if len(n.All) <= most+1 {
		return strings.Join(n.All, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(n.All[:most], ", "), len(n.All)-most)
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
