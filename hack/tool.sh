#!/bin/sh
# Builds a program that is too large to build for every checkout, and prints its path.
# It stays in FLUX_TRUST_CACHE (default ~/.cache/flux-trust) until its version or the
# toolchain changes.
#
# Usage: hack/tool.sh [-n] NAME
#
# NAME is a folder in tools/ whose go.mod names one tool, or a row of tools/programs.txt.
# With -n nothing is built: the exit code is 1 when the program is not there.
set -eu
build=true
[ "$1" != -n ] || { build=false; shift; }
name=$1
cd "$(dirname "$0")/../tools"
row=$(sed -n "s/^$name  *//p" programs.txt)
if [ -n "$row" ]; then what=$row; else what=$(cat "$name/go.mod" "$name/go.sum"); fi
key=$({ echo "$what"; go env GOVERSION GOOS GOARCH; } | git hash-object --stdin | cut -c1-12)
program=${FLUX_TRUST_CACHE:-$HOME/.cache/flux-trust}/$key/$name
if [ ! -x "$program" ]; then
    $build || exit 1
    echo "building $name (once; takes some minutes)" >&2
    mkdir -p "$(dirname "$program")"
    # Two builds at a time must not meet half a file.
    copy=$program.$$.src
    trap 'rm -rf "$program.$$" "$copy"' EXIT
    if [ -n "$row" ]; then
        # shellcheck disable=SC2086 # words
        set -- $row
        module=$1 package=$2
        shift 2
        cp -r "$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')" "$copy"
        chmod -R u+w "$copy"
        # What a module leaves out because its own build makes it: see tools/NAME.
        [ ! -d "$name" ] || cp -r "$name/." "$copy"
        cd "$copy"
        [ $# -eq 0 ] || go mod edit "$@"
        CGO_ENABLED=0 go build -mod=mod -p 2 -trimpath -buildvcs=false -ldflags '-s -w' -o "$program.$$" "$package"
    else
        cd "$name"
        CGO_ENABLED=0 go build -p 2 -trimpath -ldflags '-s -w' -o "$program.$$" "$(sed -n 's/^tool //p' go.mod)"
    fi
    mv "$program.$$" "$program"
fi
echo "$program"
