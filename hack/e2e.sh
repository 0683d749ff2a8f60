#!/bin/sh
# Runs the end-to-end tests with what this machine has, and says what is missing.
#
# Usage: hack/e2e.sh IMAGE GO_IMAGE
set -eu
image=$1
go_image=$2
export MUTATIONS=1 RELEASE=1 KUBE_SCORE="$PWD/bin/kube-score"

if docker info > /dev/null 2>&1; then
    if ! docker image inspect "$go_image" > /dev/null 2>&1 && ! docker pull -q "$go_image" > /dev/null 2>&1; then
        echo "$go_image is not here and cannot be pulled; building with the Go toolchain of this machine"
        go_image=flux-trust-go:$(cat go.mod go.sum hack/go-image.sh hack/copy-programs.sh | git hash-object --stdin | cut -c1-12)
        docker image inspect "$go_image" > /dev/null 2>&1 || hack/go-image.sh "$go_image"
    fi
    echo "building the image $image"
    make -s image IMAGE="$image" GO_IMAGE="$go_image" > bin/image.log 2>&1 || { cat bin/image.log; exit 1; }
    export IMAGE="$image" GO_IMAGE="$go_image"
fi

# A test finds helm by the variable HELM, and flux-operator by FLUX_OPERATOR.
for name in $(sed -n 's/^\([a-z0-9.-]*\) .*/\1/p' tools/programs.txt); do
    if program=$(hack/tool.sh -n "$name"); then
        export "$(echo "$name" | tr a-z.- A-Z__)=$program"
    fi
done

(cd e2e && go tool -modfile=../tools/gotestsum/go.mod gotestsum --format testname -- -count=1 -timeout 40m ./...) && code=0 || code=$?
hack/missing.sh
exit $code
