package stream

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"fluxtrust.dev/flux-trust/internal/krm"
)

// maxParsed is how many bytes of a stream are parsed at most. What is passed on as
// bytes does not count.
const maxParsed = 32 << 20

// errTooMuch says that more would have to be parsed.
var errTooMuch = fmt.Errorf("more than %d MiB would have to be parsed to find the controllers; give the function the part that holds them, in plain block style", maxParsed>>20)

// budget bounds what a stream costs beyond its bytes. All of it is held until the end
// of the run, so it counts together.
type budget struct {
	text int
	size krm.Size
}

// check refuses to parse a text of so many bytes.
func (b *budget) check(text int) error {
	if b.text+text > maxParsed {
		return errTooMuch
	}
	return nil
}

// add counts what has been parsed, and is kept.
func (b *budget) add(text int, root *yaml.Node) error {
	b.text += text
	size := krm.SizeOf(root)
	if size.Check(text) != nil && krm.IsAliased(root) {
		return nil // whoever looks at it refuses it by its name, see krm.Expand
	}
	b.size = b.size.Plus(size)
	if err := b.size.Check(b.text); err != nil {
		return fmt.Errorf("what must be parsed of it %w", err)
	}
	return nil
}
