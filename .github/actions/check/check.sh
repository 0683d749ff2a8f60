#!/bin/sh
# The steps of the action. What each needs is in the env that action.yaml sets.
#
# Usage: check.sh install|check|comment
set -eu
report=$RUNNER_TEMP/flux-trust-report.md
base=$RUNNER_TEMP/flux-trust-base
errors=$RUNNER_TEMP/flux-trust-errors
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

# checkout_base puts the base of the pull request beside this, to say which roots have
# changed since. Paths must lead into the repository, or they would be compared with
# themselves.
checkout_base() {
    # shellcheck disable=SC2086
    for path in $CONFIG $FOLDERS $MANIFESTS; do
        case $path in /* | *..*) echo "$path leads out of the repository"; return 1 ;; esac
    done
    git rev-parse -q --verify "$BASE^{commit}" > /dev/null || git fetch -q --depth=1 origin "$BASE" || return 1
    rm -rf "$base"
    git worktree prune
    git worktree add -q --detach "$base" "$BASE"
}

# Lists are to be split here, and patterns expanded where the command runs: the base may
# have other files. flux-trust expands those of folders itself.
# shellcheck disable=SC2086
folders() { (set -f && flux-trust patches "$CONFIG" --check $FOLDERS $flags "$@"); }
# shellcheck disable=SC2086
manifests() { flux-trust validate "$CONFIG" $MANIFESTS $flags "$@"; }

# part TITLE COMMAND runs a command that prints a report: as annotations into the log, and
# as Markdown into the summary.
part() {
    title=$1
    shift
    printf '### %s\n\n' "$title" >> "$report"
    if [ -d "$base" ]; then
        before=$RUNNER_TEMP/base-$title.json
        # Exit code 1 says that the base was not right. A report there is all the same.
        (cd "$base" && "$@" -o json) > "$before" 2> "$errors" || true
        if [ -s "$before" ]; then
            set -- "$@" --against "$before"
        else
            printf 'Of the base there is no report, so nothing is said of which roots have changed:\n\n````text\n%s\n````\n\n' "$(cat "$errors")" >> "$report"
        fi
    fi
    "$@" -o github || failed=true
    out=$("$@" -o markdown 2> "$errors") || failed=true
    [ -n "$out" ] || out=$(printf '````text\n%s\n````' "$(cat "$errors")")
    printf '%s\n\n' "$out" >> "$report"
}

check() {
    failed=false
    [ -n "$FOLDERS$MANIFESTS" ] || { echo "there is nothing to check; write folders or manifests" >&2; exit 1; }
    printf '%s\n## Trust in the company CA\n\n' "$mark" > "$report"
    if [ -n "$BASE" ] && ! why=$(checkout_base 2>&1); then
        printf 'The base of the pull request is not at hand, so nothing is said of which roots have changed:\n\n````text\n%s\n````\n\n' "$why" >> "$report"
        rm -rf "$base"
    fi
    flags="--fail-on $FAIL_ON${EXPIRES_WITHIN:+ --expires-within $EXPIRES_WITHIN}"
    [ -z "$FOLDERS" ] || part Folders folders
    [ -z "$MANIFESTS" ] || part Manifests manifests
    cat "$report" >> "$GITHUB_STEP_SUMMARY"
    [ $failed = false ]
}

# comment writes one comment for a pull request, and the next time changes that one.
comment() {
    [ -f "$report" ] || exit 0 # there was no check, and the log says why
    # GitHub takes 65,536 characters.
    awk '(n += length($0) + 1) < 60000 { print } END { if (n >= 60000) print "\n\nThe rest is in the summary of the job." }' "$report" > "$report.comment"
    comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
    id=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$mark\")) | .id" | head -n 1)
    if [ -n "$id" ]; then
        gh api --silent -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$report.comment"
    else
        gh api --silent -X POST "$comments" -F "body=@$report.comment"
    fi
}

"$1"
