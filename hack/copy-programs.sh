#!/bin/sh
# Copies programs of this machine, with the libraries that they name, into the root
# file system of a container image.
#
# Usage: hack/copy-programs.sh ROOT PROGRAM...
set -eu
root=$1
shift
mkdir -p "$root/bin"
for program in "$@"; do
    path=$(command -v "$program")
    cp -L "$path" "$root/bin/$program"
    { ldd "$path" 2> /dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
done
