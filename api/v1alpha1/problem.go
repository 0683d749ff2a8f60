package v1alpha1

import (
	"fmt"
	"slices"
	"strings"

	"fluxtrust.dev/flux-trust/internal/quote"
)

// Problem is one thing that is wrong with a config.
type Problem struct {
	// Path of the field, for example spec.caBundle[0].configMap.name. Empty for
	// the config as a whole.
	Path string
	// Line of the field in the config, counted from 1; 0 where it is not known.
	Line int
	// Message says in one line what is wrong and what to write instead.
	Message string
	// Example is what to write, as lines that each start with a line break, or "".
	Example string
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// InvalidError lists every problem of a config, in the order of its lines.
type InvalidError struct {
	// Source names the config: a file, or its kind and name.
	Source string
	// Lines tells whether the lines of the problems are those of Source.
	Lines bool
	// Problems holds at least one problem.
	Problems []Problem
}

// Error gives one line per problem, and the lines of its example.
func (e *InvalidError) Error() string {
	source, lines := quote.Line(e.Source), make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if e.Lines && p.Line > 0 {
			lines[i] = fmt.Sprintf("%s:%d: %s%s", source, p.Line, p, p.Example)
		} else {
			lines[i] = fmt.Sprintf("%s: %s%s", source, p, p.Example)
		}
	}
	return strings.Join(lines, "\n")
}

// problems collects problems and knows the line of every field.
type problems struct {
	found []Problem
	lines map[string]int
	// settled holds the fields of which a first pass has already said what is
	// wrong, so that a second pass does not add what follows from it.
	settled map[string]bool
	// meant holds the fields that misspelt ones seem to mean.
	meant []string
	// more counts the problems beyond maxProblems.
	more int
}

// maxProblems is how many are told: who has more has the wrong file.
const maxProblems = 100

// settle ends the first pass.
func (p *problems) settle() {
	p.settled = map[string]bool{}
	for _, problem := range p.found {
		p.settled[problem.Path] = true
		p.settled[parent(problem.Path)] = true
	}
	for _, path := range p.meant {
		p.settled[path] = true
	}
}

func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

func (p *problems) add(path, format string, args ...any) {
	p.addExample(path, "", format, args...)
}

// addExample adds a problem with an example of what to write.
func (p *problems) addExample(path, example, format string, args ...any) {
	if p.settled[path] {
		return
	}
	if len(p.found) == maxProblems {
		p.more++
		return
	}
	p.found = append(p.found, Problem{Path: quote.FieldPath(path), Line: p.line(path), Message: quote.Line(fmt.Sprintf(format, args...)), Example: example})
}

// line returns the line of the field, or of the nearest field around it.
func (p *problems) line(path string) int {
	for {
		if line, ok := p.lines[path]; ok {
			return line
		}
		if path == "" {
			return 0
		}
		path = parent(path)
	}
}

func (p *problems) err(source string, lines bool) error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int { return a.Line - b.Line })
	if p.more > 0 {
		p.found = append(p.found, Problem{Message: fmt.Sprintf("%d more problems; mend these first", p.more)})
	}
	return &InvalidError{Source: source, Lines: lines, Problems: p.found}
}
