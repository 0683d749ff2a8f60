#!/bin/sh
# Builds a program that is too large to build for every checkout, and prints its
# path. It stays in FLUX_TRUST_CACHE (default ~/.cache/flux-trust) until the
# versions in the module or the toolchain change.
#
# Usage: hack/tool.sh NAME    (a folder in tools/ whose go.mod names one tool)
set -eu
name=$1
cd "$(dirname "$0")/../tools/$name"
version=$({ cat go.mod go.sum; go env GOVERSION GOOS GOARCH; } | git hash-object --stdin | cut -c1-12)
program=${FLUX_TRUST_CACHE:-$HOME/.cache/flux-trust}/$version/$name
if [ ! -x "$program" ]; then
    echo "building $name (once; takes some minutes)" >&2
    mkdir -p "$(dirname "$program")"
    # Two builds at a time must not meet half a file.
    trap 'rm -f "$program.$$"' EXIT
    CGO_ENABLED=0 go build -p 2 -trimpath -ldflags '-s -w' -o "$program.$$" "$(sed -n 's/^tool //p' go.mod)"
    mv "$program.$$" "$program"
fi
echo "$program"
