package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	source        = "https://fluxtrust.dev/flux-trust"
	predicateType = "https://slsa.dev/provenance/v1"
	// buildType is explained in docs/image.md. The builder is whoever signs the
	// statement: make release runs on any machine.
	buildType = source + "/make-release/v1"
)

func statement(version, commit, image string, made *release) (*intoto.Statement, error) {
	dependencies, err := dependenciesOf(commit, made)
	if err != nil {
		return nil, err
	}
	parameters, err := structpb.NewStruct(map[string]any{
		"source": "git+" + source, "version": version, "image": image,
		"command": "make release VERSION=" + version + " IMAGE=" + image,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the parameters: %w", err)
	}
	provenance := &slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{BuildType: buildType, ExternalParameters: parameters, ResolvedDependencies: dependencies},
		RunDetails:      &slsa.RunDetails{Builder: &slsa.Builder{Id: buildType}},
	}
	if err := provenance.Validate(); err != nil {
		return nil, fmt.Errorf("the provenance: %w", err)
	}
	data, err := protojson.Marshal(provenance)
	if err != nil {
		return nil, fmt.Errorf("writing the provenance: %w", err)
	}
	predicate := &structpb.Struct{}
	if err := protojson.Unmarshal(data, predicate); err != nil {
		return nil, fmt.Errorf("writing the provenance: %w", err)
	}
	s := &intoto.Statement{Type: intoto.StatementTypeUri, Subject: made.subjects, PredicateType: predicateType, Predicate: predicate}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("the statement: %w", err)
	}
	return s, nil
}

// dependenciesOf are the commit, the Go toolchain and every module in a binary.
func dependenciesOf(commit string, made *release) ([]*intoto.ResourceDescriptor, error) {
	toolchain := made.binaries[0].GoVersion
	modules := map[string]string{}
	for _, binary := range made.binaries {
		if binary.GoVersion != toolchain {
			return nil, fmt.Errorf("the binaries are built with %s and with %s", toolchain, binary.GoVersion)
		}
		for _, module := range binary.Deps {
			if module.Replace != nil {
				return nil, errors.New("a release replaces no module, but " + module.Path)
			}
			modules[module.Path+"@"+module.Version] = module.Sum
		}
	}
	dependencies := []*intoto.ResourceDescriptor{
		{Uri: "git+" + source, Digest: map[string]string{"gitCommit": commit}},
		{Uri: "pkg:golang/std@" + strings.TrimPrefix(toolchain, "go")},
	}
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(modules[module], "h1:"))
		if err != nil {
			return nil, fmt.Errorf("the checksum of %s: %w", module, err)
		}
		dependencies = append(dependencies, &intoto.ResourceDescriptor{Uri: "pkg:golang/" + module, Digest: map[string]string{"dirHash": hex.EncodeToString(sum)}})
	}
	return dependencies, nil
}
