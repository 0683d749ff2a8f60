#!/bin/sh
# Builds a static binary per platform and their checksums into dist/. The same
# commit gives the same bytes.
#
# Usage: hack/release.sh VERSION
set -eu
version=$1
case $version in
*-dirty | dev) echo "release: the checkout is not a clean commit ($version); commit first" >&2; exit 1 ;;
esac
rm -rf dist && mkdir -p dist
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
    os=${platform%/*} arch=${platform#*/}
    file=dist/flux-trust_${version#v}_${os}_$arch
    [ "$os" = windows ] && file=$file.exe
    echo "building $file"
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$file" .
done
(cd dist && sha256sum flux-trust_* > SHA256SUMS && cat SHA256SUMS)
