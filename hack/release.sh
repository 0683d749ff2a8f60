#!/bin/sh
# Makes a release in dist/: a static binary per platform, the image, an SBOM for each,
# the provenance and the checksums of all. The same commit and the same Go give the
# same bytes.
#
# Usage: hack/release.sh VERSION IMAGE
set -eu
version=$1 image=$2
case $version in
*-dirty | dev) echo "release: the checkout is not a clean commit ($version); commit first" >&2; exit 1 ;;
esac
rm -rf dist && mkdir -p dist
sbom=$(hack/tool.sh cyclonedx-gomod)
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
    os=${platform%/*} arch=${platform#*/}
    file=dist/flux-trust_${version#v}_${os}_$arch
    [ "$os" != windows ] || file=$file.exe
    echo "building $file"
    GOOS=$os GOARCH=$arch hack/build.sh "$version" "$file"
    "$sbom" bin -json -std -noserial -notimestamp -version "$version" -output "$file.cdx.json" "$file"
done
echo "building the image for linux/amd64 and linux/arm64"
hack/image-archive.sh "$version" "$image"
GOFLAGS=-buildvcs=false go run -C tools/release ./provenance "$version" "$(git rev-parse HEAD)" "$image" "$PWD/dist"
(cd dist && sha256sum flux-trust_* > SHA256SUMS && cat SHA256SUMS)
