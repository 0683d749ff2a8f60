package krm

// Once holds texts in the order in which they were first added.
type Once struct {
	// All are the texts.
	All []string

	seen map[string]bool
}

// Add adds a text, unless it is empty or there already.
func (o *Once) Add(text string) {
	if text == "" || o.seen[text] {
		return
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[text], o.All = true, append(o.All, text)
}
