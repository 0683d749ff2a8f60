package stream

import (
	"bufio"
	"bytes"
	"io"
)

// Pieces is a text in pieces, most of which are parts of what came in. None is
// empty.
type Pieces [][]byte

var _ io.WriterTo = Pieces(nil)

func (p *Pieces) add(text []byte) {
	if len(text) > 0 {
		*p = append(*p, text)
	}
}

// WriteTo writes the text. Large pieces are not copied.
func (p Pieces) WriteTo(out io.Writer) (int64, error) {
	var total int64
	buffered := bufio.NewWriter(out)
	for _, piece := range p {
		n, err := buffered.Write(piece)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, buffered.Flush()
}

// Bytes returns the text as one.
func (p Pieces) Bytes() []byte { return bytes.Join(p, nil) }

// trimRight takes characters off the end.
func (p *Pieces) trimRight(cutset string) {
	for len(*p) > 0 {
		last := &(*p)[len(*p)-1]
		if *last = bytes.TrimRight(*last, cutset); len(*last) > 0 {
			return
		}
		*p = (*p)[:len(*p)-1]
	}
}
