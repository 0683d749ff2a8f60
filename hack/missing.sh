#!/bin/sh
# Prints a line for everything that this machine lacks and that tests are skipped for.
set -eu
cd "$(dirname "$0")/.."
docker info > /dev/null 2>&1 || echo "SKIPPED: everything in containers, because no Docker engine answers (docker info)"
command -v kpt > /dev/null || echo "SKIPPED: everything in kpt, because it is not on the PATH: https://kpt.dev/installation"
[ -d ../shared/corpus ] || echo "SKIPPED: the tests over real installs, because ../shared/corpus is not there"
missing=
for name in $(sed -n 's/^\([a-z0-9.-]*\) .*/\1/p' tools/programs.txt); do
    hack/tool.sh -n "$name" > /dev/null || missing="$missing $name"
done
[ -z "$missing" ] || echo "SKIPPED: the tests with$missing; make e2e-tools builds what is missing"
