#!/bin/sh
# Writes the manifest of a plugin of the Flux CLI, as catalogues such as fluxcd/plugins
# have it, from the checksums of a release.
#
# Usage: [RELEASE_URL=URL] hack/catalogue.sh VERSION < CHECKSUMS > trust.yaml
set -eu
version=$1
source=$(sed -n 's/^sourceURL: *//p' metadata.yaml)
url=${RELEASE_URL:-$source/releases/download/$version}
cat << YAML
apiVersion: cli.fluxcd.io/v1beta1
kind: Plugin
name: trust
description: $(sed -n 's/^description: *//p' metadata.yaml)
homepage: $source
source: $source
bin: flux-trust
versions:
- version: ${version#v}
  platforms:
YAML
while read -r sum file; do
    case $file in *.tar.gz | *.zip) ;; *) continue ;; esac
    platform=${file#flux-trust_"${version#v}"_}
    platform=${platform%%.*}
    cat << YAML
  - os: ${platform%_*}
    arch: ${platform#*_}
    url: $url/$file
    checksum: sha256:$sum
YAML
done
