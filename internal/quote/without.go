package quote

import "strings"

// longestMessage bounds how much of a message is compared with texts, in bytes.
const longestMessage = 16 << 10

// Without returns a message of somebody else's code without the pieces of some texts
// that it repeats: pieces of 20 characters and more are shown where they are names,
// keys, files, URLs, paths or images alone.
func Without(message string, texts ...[]byte) string {
	if len(message) > longestMessage {
		message = strings.ToValidUTF8(message[:longestMessage], "") + "…"
	}
	if len(message) < shortestSecret {
		return message
	}
	at := map[string][]int{}
	for i := 0; i+shortestSecret <= len(message); i++ {
		part := message[i : i+shortestSecret]
		at[part] = append(at[part], i)
	}
	repeated := make([]bool, len(message))
	for _, text := range texts {
		for i := 0; i+shortestSecret <= len(text); i++ {
			for _, from := range at[string(text[i:i+shortestSecret])] {
				for j := from; j < from+shortestSecret; j++ {
					repeated[j] = true
				}
			}
		}
	}
	var out strings.Builder
	for i := 0; i < len(message); {
		end := i
		for end < len(message) && repeated[end] == repeated[i] {
			end++
		}
		piece := message[i:end]
		if repeated[i] && !isShown(piece) {
			piece = hidden(piece)
		}
		out.WriteString(piece)
		i = end
	}
	return out.String()
}

// isShown reports whether a piece of a text is something that has a form of its own.
func isShown(piece string) bool {
	piece = strings.Trim(piece, " '\"`:,;[]{}()")
	for _, how := range []func(string) string{Name, Key, File, URL, PathList, Image, Kind, APIVersion} {
		if how(piece) == piece {
			return true
		}
	}
	return false
}
