package privatekey

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"slices"
	"sort"
)

// Key is a private key that was found.
type Key struct {
	// Line where it begins, counted from 1.
	Line int
	// Form is how it is written, for a message: "PKCS #8", "age", …
	Form string
}

// Bounds of a search.
const (
	// most is how many keys are told.
	most = 20
	// effort is how many bytes are looked at per byte of the text. Reading a text in
	// every way takes 16, or 21 where it is base32, and as many where it holds escapes; a
	// further encoding takes three quarters of the one around it.
	effort = 200
)

// Find returns the private keys in a text, in the order of their lines: at most 20, and
// one for a line. It is not complete when the text is encoded over and over, so that not
// everything was looked at. Time and memory are linear in the size of the text.
func Find(text []byte) (keys []Key, complete bool) {
	s := newSearch(len(text))
	lines := linesOf(text)
	s.text(text, lines.whole, 0)
	s.binary(text, lines.of)
	if bytes.IndexByte(text, 0) >= 0 {
		s.text(bytes.ReplaceAll(text, []byte{0}, nil), lines.whole, 0) // UTF-16
	}
	return s.keys(), s.left >= 0
}

// FindIn returns the private keys inside of bytes that are not text, such as those of a
// certificate.
func FindIn(data []byte) []Key {
	s := newSearch(len(data))
	s.decoded(data, func(int) int { return 0 })
	return s.keys()
}

// lines holds where the lines of a text end.
type lines []int

func linesOf(text []byte) lines {
	var ends lines
	for i, b := range text {
		if b == '\n' {
			ends = append(ends, i)
		}
	}
	return ends
}

// of returns the line of an offset.
func (l lines) of(offset int) int { return 1 + sort.SearchInts(l, offset) }

// whole returns the line of a line: it is that of the text itself.
func (l lines) whole(line int) int { return line }

// search is the state of one search.
type search struct {
	left  int // bytes that may be looked at
	seen  map[[sha256.Size]byte]bool
	found map[int]string // form by line
	// patterns holds those that were needed.
	patterns map[string]*regexp.Regexp
}

func newSearch(size int) *search {
	return &search{left: effort*size + 1<<16, seen: map[[sha256.Size]byte]bool{}, found: map[int]string{}, patterns: map[string]*regexp.Regexp{}}
}

func (s *search) keys() []Key {
	var keys []Key
	for line, form := range s.found {
		keys = append(keys, Key{Line: line, Form: form})
	}
	slices.SortFunc(keys, func(a, b Key) int { return a.Line - b.Line })
	mark := -2 // the line of one, behind which the key itself begins
	return slices.DeleteFunc(keys, func(k Key) bool {
		if k.Form == pemMark {
			mark = k.Line
		}
		return k.Form != pemMark && k.Line == mark+1
	})
}

func (s *search) add(line int, form string) {
	if _, ok := s.found[line]; !ok && len(s.found) < most {
		s.found[line] = form
	}
}

// text looks for keys in a text and in the bytes that it stands for. The function
// returns the line of the input for a line of the text, which was escaped some times.
func (s *search) text(text []byte, line func(int) int, escaped int) {
	sum := sha256.Sum256(text)
	s.left -= len(text)
	if s.seen[sum] || s.left < 0 {
		return
	}
	s.seen[sum] = true
	for _, l := range s.labelled(text) {
		s.add(line(l.Line), l.Form)
	}
	for r := range readings(text) {
		if s.left -= len(r.data); s.left < 0 {
			return
		}
		s.decoded(r.data, func(offset int) int { return line(r.line(offset)) })
	}
	const deepest = 3 // a string in JSON in a string
	if escaped < deepest && bytes.ContainsAny(text, `\%&=`) {
		plain, from := unescape(text)
		s.text(plain, func(n int) int { return line(from(n)) }, escaped+1)
	}
}

// decoded looks for keys in bytes and in the text that they hold.
func (s *search) decoded(data []byte, line func(offset int) int) {
	s.binary(data, line)
	for _, p := range printable(data) {
		n := line(p.offset)
		s.text(p.text, func(int) int { return n }, 0)
	}
}

// binary looks for keys in bytes.
func (s *search) binary(data []byte, line func(offset int) int) {
	for _, m := range magic() {
		if offset := bytes.Index(data, m.bytes); offset >= 0 {
			s.add(line(offset), m.form)
		}
	}
	for i := 0; i < len(data) && len(s.found) < most; i++ {
		if data[i] != tagSequence {
			continue
		}
		if form, size := structure(data[i:]); form != "" {
			s.add(line(i), form)
			i += size - 1
		}
	}
}
