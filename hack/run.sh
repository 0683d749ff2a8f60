#!/bin/sh
# Shows what the function does: the example or the user's own file before and
# after, and what the function says about it.
#
# Usage: hack/run.sh [gotk-components.yaml]
set -eu
out=bin/run
rm -rf $out && mkdir -p $out/before $out/after

indent() { sed 's/^/    /'; }

# Writes each document of a stream into a file of its own: KIND-NAME.yaml.
split() {
    awk -v dir="$1" '
        function flush() { if (kind != "") { file = dir "/" kind "-" name ".yaml"; printf "%s", text > file; close(file) } text = kind = name = "" }
        /^---( |\r|$)/ { flush(); next }
        { text = text $0 "\n" }
        /^kind: / && kind == "" { kind = $2 }
        /^metadata:/ { meta = 1; next }
        /^[a-z]/ { meta = 0 }
        meta && /^  name: / { name = $2; gsub(/[^A-Za-z0-9.-]/, "", name) }
        END { flush() }'
}

# Wraps a stream into a ResourceList, as kustomize and kpt do.
resourcelist() {
    # Lines of the config and of the stream are indented; a byte order mark goes.
    echo "apiVersion: config.kubernetes.io/v1"
    echo "kind: ResourceList"
    echo "functionConfig:"
    sed 's/^/  /' "$1"
    echo "items:"
    awk 'NR == 1 { sub(/^\357\273\277/, ""); first = 1 } /^---( |\r|$)/ { first = 1; next } { print (first && NF ? "- " : "  ") $0 } NF { first = 0 }'
}

if [ $# -eq 0 ]; then
    config=examples/quickstart/functionconfig.yaml
    echo "The build, examples/quickstart/kustomization.yaml:"
    echo
    indent < examples/quickstart/kustomization.yaml
    echo
    echo "The config, $config:"
    echo
    grep -v '^#' $config | indent
    echo
    echo "\$ kustomize build --enable-alpha-plugins --enable-exec examples/quickstart"
    cp -r examples/quickstart $out/without
    sed '/^transformers:/,$d' examples/quickstart/kustomization.yaml > $out/without/kustomization.yaml
    bin/kustomize build $out/without > $out/before.yaml
    PATH=$PWD/bin:$PATH bin/kustomize build --enable-alpha-plugins --enable-exec examples/quickstart > $out/after.yaml
else
    config=functionconfig.yaml
    [ -f "$1" ] || { echo "make run: INPUT=$1 is not a file" >&2; exit 1; }
    echo "\$ flux-trust $config $1"
    cp "$1" $out/before.yaml
    bin/flux-trust $config "$1" > $out/after.yaml
fi

split $out/before < $out/before.yaml
split $out/after < $out/after.yaml
color=never
[ -t 1 ] && color=always
unchanged=0
shown=
for after in "$out"/after/*.yaml; do
    name=$(basename "$after" .yaml)
    before=$out/before/$name.yaml
    if [ ! -f "$before" ]; then
        printf '\n%s is new.\n' "$name"
    elif cmp -s "$before" "$after"; then
        unchanged=$((unchanged + 1))
    elif [ -z "$shown" ]; then
        shown=$name
        printf '\n%s, before and after:\n\n' "$name"
        # git is there wherever this repository is; diff may not be.
        git diff --no-index --color=$color -U2 "$before" "$after" | tail -n +5 | indent
        printf '\n'
    else
        echo "$name has changed the same way: $(git diff --no-index --shortstat "$before" "$after" | sed 's/.*changed, //')."
    fi
done
printf '%s other resources are untouched.\n' "$unchanged"

printf '\nThe results that kpt and other orchestrators see:\n\n'
resourcelist $config < $out/before.yaml | bin/flux-trust 2> $out/stderr | awk '
    function show() { if (message != "") printf "    [%s] %s %s%s: %s\n", severity, kind, name, field, message; kind = name = field = "" }
    function plain(s) { if (s ~ /^\047.*\047$/) { s = substr(s, 2, length(s) - 2); gsub(/\047\047/, "\047", s) } return s }
    /^results:/ { on = 1; next }
    !on { next }
    /^- message: / { show(); sub(/^- message: /, ""); message = plain($0) }
    /^  severity: / { severity = $2 }
    /^    kind: / { kind = $2 }
    /^    name: / { name = $2 }
    /^    path: spec/ { field = " " plain($2) }
    END { show() }' || cat $out/stderr
printf '\nWhole files: %s/before.yaml and %s/after.yaml\n' $out $out
