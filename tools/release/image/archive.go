package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeArchive writes the images into a tar file, as an index of the given name.
func writeArchive(file, name string, images []platformImage, created time.Time) error {
	tagged, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return fmt.Errorf("the image's name %q: %w", name, err)
	}
	tag, ok := tagged.(reference.Tagged)
	if !ok {
		return fmt.Errorf("the image's name %q has no tag; write %[1]s:TAG", name)
	}
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it

	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var legacy []saved
	for _, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: image.platform}})
		one, err := savedOf(image, name+"-"+image.platform.Architecture)
		if err != nil {
			return err
		}
		legacy = append(legacy, one)
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("writing the layout: %w", err)
	}
	// The first name is what most importers read, the second what containerd does.
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": tag.Tag(),
		"io.containerd.image.name":          tagged.String(),
	})); err != nil {
		return fmt.Errorf("writing the layout: %w", err)
	}
	data, err := json.Marshal(legacy)
	if err != nil {
		return fmt.Errorf("writing manifest.json: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o600); err != nil {
		return fmt.Errorf("writing manifest.json: %w", err)
	}
	return pack(file, dir, created)
}

// saved is an entry of the manifest.json of docker save. It has no way to say of which
// platform an image is, so each gets a name of its own.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func savedOf(image platformImage, name string) (saved, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return saved{}, fmt.Errorf("reading the manifest: %w", err)
	}
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	s := saved{Config: blob(manifest.Config.Digest), RepoTags: []string{name}}
	for _, layer := range manifest.Layers {
		s.Layers = append(s.Layers, blob(layer.Digest))
	}
	return s, nil
}

// pack writes a folder into a tar file, in the order of names and without anything
// that depends on the machine.
func pack(file, dir string, created time.Time) (err error) {
	out, err := os.Create(file) //nolint:gosec // the caller names it
	if err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := tar.NewWriter(out)
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: filepath.ToSlash(name) + "/", Mode: 0o755, ModTime: created})
		}
		data, err := os.ReadFile(path) //nolint:gosec // of our own folder
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Mode: 0o644, ModTime: created, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}
