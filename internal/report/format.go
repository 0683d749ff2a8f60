package report

import "slices"

// Format is a way to write a report.
type Format struct {
	Name, Help string
	Print      func(*Report) (string, error)
}

// Formats returns every format, the default first.
func Formats() []Format {
	return []Format{
		{"text", "for people", always((*Report).text)},
		{"json", "for programs", (*Report).json},
		{"sarif", "SARIF 2.1.0, for code scanning", (*Report).sarif},
		{"github", "annotations in a job of GitHub", always((*Report).github)},
		{"junit", "JUnit XML, for the list of tests in a CI", always((*Report).junit)},
		{"markdown", "for a comment on a pull request", always((*Report).markdown)},
	}
}

// always is for formats that every report can be written in.
func always(text func(*Report) string) func(*Report) (string, error) {
	return func(r *Report) (string, error) { return text(r), nil }
}

// Names returns the names of the formats.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// Find returns the format of a name.
func Find(name string) (Format, bool) {
	formats := Formats()
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return formats[i], true
}
