package stream

import "bytes"

// Lines returns where the documents of a stream of YAML begin, by their index: the line
// behind the comments at their heads, counted from 1. From a document of JSON on, of which
// a line may hold several, they are not known.
func Lines(data []byte) []int {
	var lines []int
	for c := range split(data, nil) {
		line, found := c.line, false
		for text := range bytes.Lines(c.body) {
			if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' {
				found = true
				if text[0] == '{' || text[0] == '[' {
					return lines
				}
				break
			}
			line++
		}
		if !found {
			line = c.line
		}
		lines = append(lines, line)
	}
	return lines
}
