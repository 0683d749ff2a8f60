package flux

import "strings"

// Tag returns the tag of an image reference, or "" where it has none or one that
// Flux substitutes.
func Tag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	colon := strings.LastIndexByte(image, ':')
	if colon <= strings.LastIndexByte(image, '/') || strings.Contains(image[colon:], "}") {
		return ""
	}
	return image[colon+1:]
}
