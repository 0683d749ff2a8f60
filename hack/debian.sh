#!/bin/sh
# Unpacks the servers and the proxy that people have, from Debian, and prints the folder:
# squid with OpenSSL, docker-registry and nginx. Nothing is installed, and no service is
# started. The exit code is 1 where that is not possible.
set -eu
packages="squid-openssl docker-registry nginx"
command -v apt-get > /dev/null && command -v dpkg > /dev/null || {
    echo "SKIPPED: squid, docker-registry and nginx from Debian, because there is no apt-get here" >&2
    exit 1
}
key=$({ echo "$packages"; cat /etc/os-release; dpkg --print-architecture; } | git hash-object --stdin | cut -c1-12)
root=${FLUX_TRUST_CACHE:-$HOME/.cache/flux-trust}/$key/debian
if [ ! -d "$root" ]; then
    work=$root.$$
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/archives/partial"
    # shellcheck disable=SC2086 # words
    apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" --no-install-recommends --download-only install $packages > "$work/log" 2>&1 || {
        echo "SKIPPED: squid, docker-registry and nginx from Debian, because apt-get has none: $(tail -1 "$work/log")" >&2
        exit 1
    }
    for package in "$work"/archives/*.deb; do dpkg -x "$package" "$work/root"; done
    # What is installed already is not downloaded.
    for program in usr/sbin/squid usr/bin/docker-registry usr/sbin/nginx; do
        [ -x "$work/root/$program" ] || { mkdir -p "$work/root/${program%/*}" && ln -s "/$program" "$work/root/$program"; }
    done
    mv "$work/root" "$root"
fi
echo "$root"
