#!/bin/sh
# Makes a container image as those of Flux's controllers are laid out: the program,
# public roots, busybox (or the shell, find and awk of this machine), and a user that
# is nobody.
#
# Usage: hack/controller-image.sh PROGRAM ROOTS IMAGE
set -eu
program=$1
roots=$2
image=$3
cd "$(dirname "$0")/.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs"
cp "$program" "$root/usr/local/bin/"
install -m 644 "$roots" "$root/etc/ssl/certs/ca-certificates.crt"
if command -v busybox > /dev/null; then
    hack/copy-programs.sh "$root" busybox
    for tool in sh find awk; do ln -s busybox "$root/bin/$tool"; done
else
    hack/copy-programs.sh "$root" sh find awk
fi
tar -C "$root" -c . | docker import \
    --change 'ENV PATH=/usr/local/bin:/bin' \
    --change 'USER 65534:65534' \
    --change "ENTRYPOINT [\"$(basename "$program")\"]" \
    - "$image" > /dev/null
