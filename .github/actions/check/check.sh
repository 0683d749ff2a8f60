#!/bin/sh
# The steps of the action. What each needs is in the env that action.yaml sets.
#
# Usage: check.sh install|check|comment
set -eu
report=$RUNNER_TEMP/flux-trust-report.md
mark='<!-- flux-trust check -->'

install() {
    if [ -z "$VERSION" ]; then
        command -v flux-trust > /dev/null || { echo "flux-trust is not on the PATH; write version, url and checksum" >&2; exit 1; }
        return
    fi
    [ -n "$CHECKSUM" ] || { echo "write checksum, the SHA-256 of the archive: a download is not to be trusted by itself" >&2; exit 1; }
    case $(uname -s) in Darwin) os=darwin ;; *) os=linux ;; esac
    case $(uname -m) in arm64 | aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
    dir=$RUNNER_TEMP/flux-trust
    mkdir -p "$dir"
    curl -fsSL -o "$dir/archive.tar.gz" "$URL/flux-trust_${VERSION#v}_${os}_$arch.tar.gz"
    echo "$CHECKSUM  $dir/archive.tar.gz" | sha256sum --quiet -c
    tar -xzf "$dir/archive.tar.gz" -C "$dir" flux-trust
    echo "$dir" >> "$GITHUB_PATH"
}

# part TITLE COMMAND... runs a command and puts what it says into log and report.
part() {
    title=$1
    shift
    if out=$("$@" 2>&1); then verdict=passed; else verdict=FAILED failed=true; fi
    printf '%s: %s\n%s\n' "$title" "$verdict" "$out"
    printf '### %s: %s\n\n````text\n%s\n````\n\n' "$title" "$verdict" "$out" >> "$report"
}

check() {
    failed=false
    [ -n "$FOLDERS$MANIFESTS" ] || { echo "there is nothing to check; write folders or manifests" >&2; exit 1; }
    printf '%s\n## Trust in the company CA\n\n' "$mark" > "$report"
    # Patterns and lists are to be split and expanded here.
    # shellcheck disable=SC2086
    {
        for folder in $FOLDERS; do
            part "Folder \`$folder\`" flux-trust patches "$CONFIG" --write "$folder" --check
        done
        [ -z "$MANIFESTS" ] || part "Manifests" flux-trust validate $VALIDATE_FLAGS "$CONFIG" $MANIFESTS
    }
    cat "$report" >> "$GITHUB_STEP_SUMMARY"
    [ $failed = false ]
}

# comment writes one comment for a pull request, and the next time changes that one.
comment() {
    [ -f "$report" ] || exit 0 # there was no check, and the log says why
    comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
    id=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$mark\")) | .id" | head -n 1)
    if [ -n "$id" ]; then
        gh api --silent -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$report"
    else
        gh api --silent -X POST "$comments" -F "body=@$report"
    fi
}

"$1"
