#!/bin/sh
# Shows what the function does: the example, or the user's own file, before and after.
#
# Usage: hack/run.sh [gotk-components.yaml]
set -eu
out=bin/run
rm -rf $out && mkdir -p $out

# git is there wherever this repository is; diff may not be. It ends with 1 on a difference.
changes() { git --no-pager diff --no-index "$@" || [ $? -eq 1 ]; }

if [ $# -eq 0 ]; then
    example=examples/quickstart
    printf 'The build, %s/kustomization.yaml:\n\n' $example
    sed 's/^/    /' $example/kustomization.yaml
    printf '\nThe config, %s/functionconfig.yaml:\n\n' $example
    sed '/^#/d; s/^/    /' $example/functionconfig.yaml
    mkdir $out/before $out/after
    cp -r $example $out/without
    sed '/^transformers:/,$d' $example/kustomization.yaml > $out/without/kustomization.yaml
    bin/kustomize build $out/without -o $out/before
    printf '\n$ kustomize build --enable-alpha-plugins --enable-exec %s\n' $example
    PATH=$PWD/bin:$PATH bin/kustomize build --enable-alpha-plugins --enable-exec $example -o $out/after
    printf '\nsource-controller, before and after:\n\n'
    file=apps_v1_deployment_source-controller.yaml
    changes -U2 $out/before/$file $out/after/$file
    printf '\nAll of the build:\n\n'
    changes --stat=120 $out/before $out/after
    printf '\nWhole files: %s/before and %s/after\n' $out $out
else
    [ -f "$1" ] || { echo "make run: INPUT=$1 is not a file" >&2; exit 1; }
    printf '$ flux-trust functionconfig.yaml %s\n\n' "$1"
    bin/flux-trust functionconfig.yaml "$1" > $out/after.yaml
    changes "$1" $out/after.yaml
    printf '\nThe whole file: %s/after.yaml\n' $out
fi
