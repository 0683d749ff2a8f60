#!/bin/sh
# Makes a release in dist/: archives, packages and SBOMs by goreleaser, the image, the
# manifest for a catalogue of plugins of the Flux CLI, and the checksums. The same commit
# and the same Go give the same bytes. Nothing is published.
#
# Usage: [RELEASE_URL=URL] hack/release.sh VERSION IMAGE
#
# RELEASE_URL is where the archives of this version can be downloaded.
set -eu
version=$1 image=$2
export VERSION="$version"

changes=$(git status --porcelain) || { echo "release: this is not a checkout of git" >&2; exit 1; }
if [ -n "$changes" ]; then
    printf 'release: the checkout has changes; commit or remove them first:\n%s\n' "$changes" >&2
    exit 1
fi
goreleaser=$(hack/tool.sh goreleaser)
out=bin/release
rm -rf dist $out
mkdir -p $out/completions $out/man

echo "making the completion, the man page and the plugin of Helm"
hack/build.sh "$version" $out/flux-trust
$out/flux-trust completion bash > $out/completions/flux-trust.bash
$out/flux-trust completion zsh > $out/completions/_flux-trust
$out/flux-trust completion fish > $out/completions/flux-trust.fish
$out/flux-trust completion powershell > $out/completions/flux-trust.ps1
{
    printf '%% FLUX-TRUST 1 "%s" "flux-trust %s"\n# NAME\nflux-trust - give Flux controllers a company CA\n' "$(git show -s --format=%cs)" "$version"
    sed '1d; s/ See \[results\].*//' docs/command-line.md
} | go tool -modfile=tools/go-md2man/go.mod go-md2man | gzip -9n > $out/man/flux-trust.1.gz
sed "s/VERSION/${version#v}/" hack/plugin.yaml > $out/plugin.yaml

echo "building the image for linux/amd64 and linux/arm64"
hack/image-archive.sh "$version" "$image"

LICENSE=$(sed -n 's/^license: *//p' metadata.yaml)
PATH=$(dirname "$(go tool -n -modfile=tools/cyclonedx-gomod/go.mod cyclonedx-gomod)"):$PATH
# Without a remote goreleaser takes no data of the commit.
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=$(sed -n 's/^sourceURL: *//p' metadata.yaml)
# As hack/build.sh, or the archives would hold another program than the image.
GOFLAGS="${GOFLAGS:-} $(cat hack/gcflags)"
export LICENSE PATH GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GOFLAGS
"$goreleaser" release --snapshot --clean --parallelism 2

sums=flux-trust_${version#v}_checksums.txt
cp bin/goreleaser/*.tar.gz bin/goreleaser/*.zip bin/goreleaser/*.deb bin/goreleaser/*.rpm bin/goreleaser/*.cdx.json "bin/goreleaser/$sums" dist
(cd dist && sha256sum --quiet -c "$sums")
mkdir dist/plugins
hack/catalogue.sh "$version" < "dist/$sums" > dist/plugins/trust.yaml
cat "dist/$sums"
[ -n "$LICENSE" ] || echo "There is no license yet, so this cannot go into Flux's catalogue of plugins or a distribution: see CONTRIBUTING.md."
