package main

import (
	"archive/tar"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	intoto "github.com/in-toto/attestation/go/v1"
)

// release is what make release has made.
type release struct {
	subjects []*intoto.ResourceDescriptor
	binaries []*debug.BuildInfo
}

// readDist reads every artifact whose name starts with the release's.
func readDist(dist, name string) (*release, error) {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return nil, fmt.Errorf("reading the artifacts: %w", err)
	}
	made := &release{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), name+"_") {
			continue
		}
		file := filepath.Join(dist, entry.Name())
		data, err := os.ReadFile(file) //nolint:gosec // the caller names the folder
		if err != nil {
			return nil, fmt.Errorf("reading an artifact: %w", err)
		}
		sum := sha256.Sum256(data)
		made.add(entry.Name(), hex.EncodeToString(sum[:]))
		switch filepath.Ext(file) {
		case ".json":
		case ".tar":
			digest, err := indexDigest(file)
			if err != nil {
				return nil, fmt.Errorf("reading the image of %s: %w", entry.Name(), err)
			}
			made.add(strings.TrimSuffix(entry.Name(), ".tar"), digest)
		default:
			info, err := buildinfo.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading the modules of %s: %w", entry.Name(), err)
			}
			made.binaries = append(made.binaries, info)
		}
	}
	if len(made.binaries) == 0 {
		return nil, fmt.Errorf("no binary in %s is named %s_…", dist, name)
	}
	return made, nil
}

func (r *release) add(name, digest string) {
	r.subjects = append(r.subjects, &intoto.ResourceDescriptor{Name: name, Digest: map[string]string{"sha256": digest}})
}

// indexDigest is the digest of the image in an archive, by which a registry names it.
func indexDigest(file string) (string, error) {
	in, err := os.Open(file) //nolint:gosec // the caller names the folder
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // only read
	for archive := tar.NewReader(in); ; {
		header, err := archive.Next()
		if err != nil {
			return "", err
		}
		if header.Name != "index.json" {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return "", err
		}
		var index struct{ Manifests []struct{ Digest string } }
		if err := json.Unmarshal(data, &index); err != nil {
			return "", err
		}
		if len(index.Manifests) != 1 {
			return "", errors.New("its index.json does not name one image")
		}
		return strings.TrimPrefix(index.Manifests[0].Digest, "sha256:"), nil
	}
}
