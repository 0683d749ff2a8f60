#!/bin/sh
# Writes the image for two architectures into one archive in dist/, with an SBOM for
# each. It needs no container engine, and the same commit gives the same bytes.
#
# Usage: hack/image-archive.sh VERSION IMAGE
set -eu
version=$1 image=$2
out=$PWD/dist/flux-trust_${version#v}_image
mkdir -p dist
sbom=$(go tool -n -modfile=tools/cyclonedx-gomod/go.mod cyclonedx-gomod)
for arch in amd64 arm64; do
    GOOS=linux GOARCH=$arch hack/build.sh "$version" bin/image/$arch/flux-trust
    "$sbom" bin -json -std -noserial -notimestamp -version "$version" -output "${out}_linux_$arch.cdx.json" bin/image/$arch/flux-trust
done
hack/labels.sh "$version" | GOFLAGS=-buildvcs=false go run -C tools/release ./image "$out.tar" "$image" \
    "linux/amd64=$PWD/bin/image/amd64/flux-trust" "linux/arm64=$PWD/bin/image/arm64/flux-trust"
