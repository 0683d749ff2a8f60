#!/bin/sh
# Builds the container image with the Docker engine of this machine.
#
# Usage: [CA=FILE] hack/image.sh IMAGE GO_IMAGE VERSION [FLAG...]
#
# CA is a PEM file that the build trusts; the flags are those of docker build.
set -eu
image=$1 go_image=$2 version=$3
shift 3
docker info > /dev/null 2>&1 || {
    echo "make image: no Docker engine answers (docker info); make image-archive needs none" >&2
    exit 1
}
if ! docker image inspect "$go_image" > /dev/null 2>&1 && ! reason=$(docker pull -q "$go_image" 2>&1); then
    cat >&2 << MESSAGE
make image: the image $go_image, in which flux-trust is built, cannot be pulled:
  $reason
Write GO_IMAGE=IMAGE, any image with a shell and Go 1.26. Behind a proxy that inspects
TLS the engine must trust its root, and the build, too: CA=company-root.pem.
make image-archive needs neither an engine nor an image.
MESSAGE
    exit 1
fi
if ! docker buildx version > /dev/null 2>&1; then
    echo "docker has no buildx, which builds with secrets; making one" >&2
    mkdir -p bin/docker/cli-plugins
    ln -sf "$(go tool -n -modfile=tools/buildx/go.mod buildx)" bin/docker/cli-plugins/docker-buildx
    config=${DOCKER_CONFIG:-$HOME/.docker}/config.json
    [ ! -f "$config" ] || ln -sf "$config" bin/docker/config.json
    export DOCKER_CONFIG="$PWD/bin/docker"
fi
[ -z "${CA:-}" ] || set -- "$@" --secret "id=ca,src=$CA"
labels=$(hack/labels.sh "$version")
while read -r label; do
    set -- "$@" --label "$label"
done << LABELS
$labels
LABELS
# The newest BuildKit dates the image by it.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || echo 0)
export SOURCE_DATE_EPOCH
docker build --build-arg GO_IMAGE="$go_image" --build-arg VERSION="$version" --build-arg GOPROXY "$@" -t "$image" .
