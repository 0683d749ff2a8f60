package command

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// style is how text is written for people.
type style struct {
	// width of the terminal in columns, or 0 for no terminal.
	width int
	color bool
}

// styleOf returns the style for a stream: colour on a terminal alone, and not with
// NO_COLOR: https://no-color.org
func styleOf(out io.Writer) style {
	if s, ok := out.(speaking); ok {
		out = s.Writer
	}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return style{}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < narrowest {
		width = narrowest
	}
	return style{width: width, color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// narrowest is the least width in columns that is written for.
const narrowest = 60

// The colours of results.
const (
	green  = "32"
	yellow = "33"
	red    = "31"
)

func (s style) paint(color, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// marked writes a mark before a text; further lines of it stand below the text.
func (s style) marked(mark, text string) string {
	const indent = "  "
	if s.width == 0 || len([]rune(text))+len(indent) <= s.width {
		return mark + " " + text + "\n"
	}
	return mark + " " + strings.TrimPrefix(s.wrap(indent, text), indent)
}

// wrap breaks a text into lines of the width, at spaces; without a terminal it stays
// one line.
func (s style) wrap(indent, text string) string {
	if s.width == 0 {
		return indent + text + "\n"
	}
	var out strings.Builder
	line := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case line == 0:
			out.WriteString(indent)
			line = len(indent)
		case line+1+n > s.width:
			out.WriteString("\n" + indent + "  ")
			line = len(indent) + 2
		default:
			out.WriteString(" ")
			line++
		}
		out.WriteString(word)
		line += n
	}
	return out.String() + "\n"
}
