package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fluxtrust.dev/flux-trust/internal/hardening"
	"fluxtrust.dev/flux-trust/internal/krm"
	"fluxtrust.dev/flux-trust/internal/trust"
)

// Report is what a command has found. Its JSON is part of the interface.
type Report struct {
	// Tool and Version have made the report, Time is when.
	Tool    string    `json:"tool"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	// Config is the file, ConfigName its metadata.name, ConfigDigest the SHA-256 of
	// its bytes.
	Config       string `json:"config"`
	ConfigName   string `json:"configName"`
	ConfigDigest string `json:"configDigest"`
	// Valid tells that no finding is one to fail on.
	Valid       bool                `json:"valid"`
	Controllers int                 `json:"controllers"`
	Roots       []trust.Root        `json:"roots"`
	Verdicts    []hardening.Verdict `json:"podSecurity"`
	Exceptions  []string            `json:"exceptions"`
	Findings    []Finding           `json:"results"`
	// Changes is set where there was something to compare with.
	Changes *Changes `json:"changes,omitempty"`
	// Folders are what was looked at by patches --check.
	Folders []Folder `json:"folders,omitempty"`

	// Unknown says why Roots may not be all, or is "".
	Unknown string `json:"-"`
	// Lines returns the lines in which the objects of a file begin, counted from 1; nil where
	// they are not known. Few formats show them.
	Lines func(path string) []int `json:"-"`
	// FailOn is the severity from which on a finding is one to fail on: an error, unless
	// it says warning.
	FailOn krm.Severity `json:"-"`
}

// Finding is one thing to tell.
type Finding struct {
	Code krm.Code `json:"code,omitempty"`
	// Folder is the one of Folders that it is about, or "".
	Folder string `json:"folder,omitempty"`
	krm.Result
}

// path returns that of the field, or "".
func (f *Finding) path() string {
	if f.Field == nil {
		return ""
	}
	return f.Field.Path
}

// sentence returns the field and the message.
func (f *Finding) sentence() string {
	if path := f.path(); path != "" {
		return path + ": " + f.Message
	}
	return f.Message
}

// name returns namespace/name of the object.
func (f *Finding) name() string {
	return strings.TrimPrefix(f.ResourceRef.Namespace+"/"+f.ResourceRef.Name, "/")
}

// about returns the folder, and the object with its file, or "".
func (f *Finding) about() string {
	who := ""
	if f.ResourceRef != nil {
		who = strings.TrimSpace(f.ResourceRef.Kind + " " + f.name())
		if f.File != nil {
			who += fmt.Sprintf(" (%s, document %d)", f.File.Path, f.File.Index+1)
		}
	}
	if f.Folder != "" && who != "" {
		who = ": " + who
	}
	return f.Folder + who
}

// String says which object in which file, which field, and what.
func (f *Finding) String() string {
	if who := f.about(); who != "" && (f.ResourceRef != nil || !strings.HasPrefix(f.Message, f.Folder+"/")) {
		return who + ": " + f.sentence()
	}
	return f.sentence()
}

// fails reports whether a finding is one to fail on.
func (r *Report) fails(f *Finding) bool {
	return f.Severity == krm.Error || f.Severity == r.FailOn
}

// Judge sets Valid.
func (r *Report) Judge() {
	r.Valid = true
	for i := range r.Findings {
		r.Valid = r.Valid && !r.fails(&r.Findings[i])
	}
}

// count counts the findings of a severity.
func (r *Report) count(s krm.Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// verdict sums up the report.
func (r *Report) verdict() string {
	counts := krm.Count(r.count(krm.Error), "error") + ", " + krm.Count(r.count(krm.Warning), "warning")
	switch {
	case len(r.Folders) > 0:
		return fmt.Sprintf("%d of %s up to date, %s", r.upToDate(), krm.Count(len(r.Folders), "folder"), counts)
	case r.Valid:
		return fmt.Sprintf("valid: %s as configured, %s", krm.Count(r.Controllers, "controller"), counts)
	default:
		return "not valid: " + counts
	}
}

// group is what several objects have in common.
type group struct {
	*Finding
	all []*Finding
}

// groups returns findings that differ in nothing but the object as one, in the order of
// the first, errors before warnings before what is for information.
func (r *Report) groups() []group {
	var groups []group
	type key struct {
		code           krm.Code
		severity       krm.Severity
		path, sentence string
	}
	at := map[key]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		k := key{f.Code, f.Severity, f.path(), f.Message}
		if j, ok := at[k]; ok && f.about() != "" && groups[j].about() != "" {
			groups[j].all = append(groups[j].all, f)
			continue
		}
		at[k] = len(groups)
		groups = append(groups, group{f, []*Finding{f}})
	}
	slices.SortStableFunc(groups, func(a, b group) int { return rank(a.Severity) - rank(b.Severity) })
	return groups
}

func rank(s krm.Severity) int {
	return slices.Index([]krm.Severity{krm.Error, krm.Warning, krm.Info}, s)
}

// Together returns what several findings have in common in one, with their objects before
// it.
func Together(findings []Finding) []string {
	r := &Report{Findings: findings}
	var lines []string
	for _, g := range r.groups() {
		text := g.String()
		if len(g.all) > 1 {
			text = strings.Join(g.objects(), "; ") + ": " + g.sentence()
		}
		lines = append(lines, fmt.Sprintf("%s: %s", g.Severity, text))
	}
	return lines
}

// objects returns those of a group, by kind and file: names first, so that a long list
// can be read. Where it is about no object, they are the folders.
func (g group) objects() []string {
	type key struct{ kind, file string }
	type part struct {
		key
		names, documents krm.Once
	}
	var parts []*part
	at := map[key]*part{}
	for _, f := range g.all {
		k, name, document := key{}, f.Folder, ""
		if f.ResourceRef != nil {
			k, name = key{f.ResourceRef.Kind, f.Folder}, f.name()
			if f.File != nil {
				k.file, document = f.File.Path, strconv.Itoa(f.File.Index+1)
			}
		}
		if name == "" {
			continue
		}
		p := at[k]
		if p == nil {
			p = &part{key: k}
			at[k], parts = p, append(parts, p)
		}
		p.names.Add(name)
		p.documents.Add(document)
	}
	var lines []string
	for _, p := range parts {
		line := strings.TrimSpace(p.kind + " " + strings.Join(p.names.All, ", "))
		switch {
		case len(p.documents.All) > 1:
			line += fmt.Sprintf(" (%s, documents %s)", p.file, strings.Join(p.documents.All, ", "))
		case len(p.documents.All) > 0:
			line += fmt.Sprintf(" (%s, document %s)", p.file, p.documents.All[0])
		case p.file != "":
			line += fmt.Sprintf(" (%s)", p.file)
		}
		lines = append(lines, line)
	}
	return lines
}
