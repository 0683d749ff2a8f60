package main

import (
	"archive/tar"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// passwd names nobody, as whom kustomize runs functions.
//
//go:embed passwd
var passwd []byte

type platformImage struct {
	v1.Image

	platform *v1.Platform
}

// build makes the image that the Dockerfile makes, of a binary that is there already.
func build(platform string, binary []byte, labels map[string]string, created time.Time) (platformImage, error) {
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return platformImage{}, fmt.Errorf("the platform: %w", err)
	}
	content, err := layerOf(binary, created)
	if err != nil {
		return platformImage{}, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return platformImage{}, fmt.Errorf("packing the layer: %w", err)
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "flux-trust and /etc/passwd"},
	})
	if err != nil {
		return platformImage{}, fmt.Errorf("adding the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return platformImage{}, fmt.Errorf("reading the image's config: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Created = v1.Time{Time: created}
	config.Config = v1.Config{User: "65534:65534", Entrypoint: []string{"/flux-trust"}, WorkingDir: "/", Labels: labels}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return platformImage{}, fmt.Errorf("setting the image's config: %w", err)
	}
	return platformImage{image, p}, nil
}

func layerOf(binary []byte, created time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range []struct {
		header tar.Header
		data   []byte
	}{
		{tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}, nil},
		{tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, passwd},
		{tar.Header{Typeflag: tar.TypeReg, Name: "flux-trust", Mode: 0o755}, binary},
	} {
		f.header.ModTime, f.header.Size = created, int64(len(f.data))
		if err := w.WriteHeader(&f.header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.header.Name, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.header.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing the layer: %w", err)
	}
	return out.Bytes(), nil
}
