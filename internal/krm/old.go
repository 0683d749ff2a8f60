package krm

import "fmt"

// The readers that return an error each. They go when nothing uses them.

// Errorf returns an error about the field.
func (f Field) Errorf(format string, args ...any) error {
	return &FieldError{Path: f.Path, Message: fmt.Sprintf(format, args...)}
}

// GetE is Get.
func (f Field) GetE(key string) (Field, error) { return f.AtE(key) }

// AtE is Get.
func (f Field) AtE(keys ...string) (Field, error) {
	object := f.object
	f, o := f.Aside()
	child := f.Get(keys...)
	child.object = object
	return child, o.err
}

// ItemsE is Items.
func (f Field) ItemsE() ([]Field, error) { return f.EntriesE() }

// EntriesE is Items.
func (f Field) EntriesE(keys ...string) ([]Field, error) {
	object := f.object
	f, o := f.Aside()
	items := f.Items(keys...)
	for i := range items {
		items[i].object = object
	}
	return items, o.err
}

// NamedE is Named.
func (f Field) NamedE(name string) ([]Field, error) {
	object := f.object
	f, o := f.Aside()
	items := f.Named(name)
	for i := range items {
		items[i].object = object
	}
	return items, o.err
}

// TextE is Text.
func (f Field) TextE() (string, error) { return f.TextAtE() }

// TextAtE is Text.
func (f Field) TextAtE(keys ...string) (string, error) {
	f, o := f.Aside()
	return f.Text(keys...), o.err
}

// TextOr is Peek.
func (f Field) TextOr(keys ...string) string { return f.Peek(keys...) }

// TextsE is Texts.
func (f Field) TextsE() (map[string]string, error) { return f.TextsAtE() }

// TextsAtE is Texts.
func (f Field) TextsAtE(keys ...string) (map[string]string, error) {
	f, o := f.Aside()
	return f.Texts(keys...), o.err
}

// BooleanE is Boolean.
func (f Field) BooleanE() (*Truth, error) {
	f, o := f.Aside()
	return f.Boolean(), o.err
}
