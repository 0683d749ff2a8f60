#!/bin/sh
# Builds the function as a static binary, for this machine or for GOOS and GOARCH.
#
# The same commit and the same Go give the same bytes: in a checkout, in an archive of
# the source, and in the build stage of the Dockerfile, which sees no .git. So what git
# knows is not stamped (-buildvcs); the version is, and the labels of the image and the
# provenance of a release name the commit.
#
# hack/gcflags keeps functions of packages that no run spends its time in from being
# inlined: 1.6 of 20.9 MB. docs/design.md says more.
#
# Usage: hack/build.sh VERSION FILE
set -eu
# shellcheck disable=SC2046
CGO_ENABLED=0 go build -v -trimpath -buildvcs=false $(cat hack/gcflags) -ldflags "-s -w -X main.version=$1" -o "$2" .
