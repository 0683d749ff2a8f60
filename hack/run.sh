#!/bin/sh
# Shows what the function does: before and after of an install, and what it
# says about it.
#
# Usage: hack/run.sh [gotk-components.yaml]
set -eu
out=bin/run
rm -rf $out && mkdir -p $out

if [ $# -eq 0 ]; then
    echo "The example: examples/quickstart/kustomization.yaml"
    echo
    sed 's/^/    /' examples/quickstart/kustomization.yaml
    echo
    echo "Its config: examples/quickstart/functionconfig.yaml"
    echo
    grep -v '^#' examples/quickstart/functionconfig.yaml | sed 's/^/    /'
    echo
    echo "\$ kustomize build --enable-alpha-plugins --enable-exec examples/quickstart"
    bin/kustomize build examples/quickstart/flux-system > $out/before.yaml
    PATH=$PWD/bin:$PATH bin/kustomize build --enable-alpha-plugins --enable-exec examples/quickstart > $out/after.yaml
else
    echo "\$ flux-trust functionconfig.yaml $1"
    cp "$1" $out/before.yaml
    bin/flux-trust functionconfig.yaml "$1" > $out/after.yaml
fi

echo
echo "What has changed ($out/before.yaml, $out/after.yaml):"
echo
color=never
[ -t 1 ] && color=always
# git is there wherever this repository is; diff may not be.
git diff --no-index --color=$color -U1 $out/before.yaml $out/after.yaml | tail -n +5 || true
