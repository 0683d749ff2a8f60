package privatekey

// passage is text inside of bytes.
type passage struct {
	offset int
	text   []byte
}

// printable returns the text in bytes: ASCII, or UTF-16 of the same characters.
func printable(data []byte) []passage {
	const shortest = 32
	var found []passage
	for i := 0; i < len(data); {
		wide := i+1 < len(data) && data[i+1] == 0
		step := 1
		if wide {
			step = 2
		}
		end := i
		for end < len(data) && isText(data[end]) && (!wide || end+1 == len(data) || data[end+1] == 0) {
			end += step
		}
		end = min(end, len(data))
		if (end-i)/step < shortest {
			i = max(end, i+1)
			continue
		}
		text := data[i:end]
		if wide {
			text = make([]byte, 0, (end-i)/2)
			for j := i; j < end; j += 2 {
				text = append(text, data[j])
			}
		}
		found = append(found, passage{offset: i, text: text})
		i = end
	}
	return found
}

func isText(c byte) bool { return c >= ' ' && c <= '~' || c == '\n' || c == '\r' || c == '\t' }
