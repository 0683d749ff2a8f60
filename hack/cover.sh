#!/bin/sh
# Runs the unit tests, and fails when they reach less than MINIMUM percent of the
# statements. The whole of it is in bin/cover.out: go tool cover -html=bin/cover.out
#
# Usage: hack/cover.sh MINIMUM [FLAG of go test...]
set -eu
minimum=$1
shift
mkdir -p bin
go tool -modfile=tools/gotestsum/go.mod gotestsum --format pkgname -- "$@" -short -timeout 30m -coverpkg=./... -coverprofile=bin/cover.out ./...
go tool cover -func=bin/cover.out | awk -v minimum="$minimum" '
    { total = $NF + 0 }
    END { printf "the tests reach %s %% of the statements; at least %s %% are asked for\n", total, minimum; exit total < minimum }'
