#!/bin/sh
# Fuzzes every target for a time each.
#
# Usage: hack/fuzz.sh TIME
set -eu
for file in $(git ls-files '*_test.go'); do
    for target in $(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' "$file"); do
        echo "$target in $(dirname "$file")"
        go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 5s
    done
done
