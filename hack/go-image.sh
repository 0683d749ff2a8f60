#!/bin/sh
# Makes a container image of the Go toolchain on this machine, for building the
# function's image where no registry can be reached. It holds the toolchain, a
# shell, and the modules that go.mod needs.
#
# Usage: hack/go-image.sh IMAGE
set -eu

image=$1
root=$(mktemp -d)
trap 'chmod -R u+w "$root" && rm -rf "$root"' EXIT

mkdir -p "$root/usr/local/go" "$root/tmp" "$root/root" "$root/etc"
goroot=$(go env GOROOT)
cp -r "$goroot/bin" "$goroot/pkg" "$goroot/src" "$goroot/lib" "$goroot/VERSION" "$root/usr/local/go/"

# The shell that runs the commands of the Dockerfile.
hack/copy-programs.sh "$root" sh

GOMODCACHE=$root/mod GOFLAGS=-modcacherw go mod download
mkdir -p "$root/proxy"
cp -r "$root/mod/cache/download/." "$root/proxy/"
chmod -R u+w "$root/mod" && rm -rf "$root/mod"

tar -C "$root" -c . | docker import \
    --change 'ENV PATH=/usr/local/go/bin:/bin' \
    --change 'ENV HOME=/root' \
    --change 'ENV GOPROXY=file:///proxy' \
    --change 'ENV GOSUMDB=off' \
    - "$image"
