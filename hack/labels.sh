#!/bin/sh
# Prints the labels of the image as KEY=VALUE: what the Dockerfile says, and what git
# knows.
#
# Usage: hack/labels.sh VERSION
set -eu
label=org.opencontainers.image
sed -n 's/.* \([a-z.]*\.[a-z-]*\)="\([^"$]*\)".*/\1=\2/p' Dockerfile
echo "$label.version=$1"
if git rev-parse HEAD > /dev/null 2>&1; then
    echo "$label.revision=$(git rev-parse HEAD)"
    echo "$label.created=$(TZ=UTC git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
fi
# The owners choose a license; until then there is none to name.
sed -n "s/^license: */$label.licenses=/p" metadata.yaml
