#!/bin/sh
# Prints how many statements the tests reach, by package, and fails when it is
# less than MINIMUM percent of all.
#
# Usage: hack/cover.sh MINIMUM
set -eu
minimum=$1
profile=bin/cover.out
mkdir -p bin
go test -short -coverpkg=./... -coverprofile=$profile ./... > bin/cover.log 2>&1 || { cat bin/cover.log; exit 1; }
# A block stands once for each package that was tested; one that ran in any counts.
awk -v minimum="$minimum" '
    NR > 1 { size[$1] = $2; if ($3 > 0) ran[$1] = 1 }
    END {
        for (block in size) {
            package = block; sub(/\/[^\/]*$/, "", package); sub(/^fluxtrust.dev\/flux-trust\/?/, "", package)
            if (package == "") package = "main"
            all[package] += size[block]; total += size[block]
            if (block in ran) { hit[package] += size[block]; reached += size[block] }
        }
        for (package in all) printf "%5.1f %%  %s\n", 100 * hit[package] / all[package], package | "sort -k 3"
        close("sort -k 3")
        printf "%5.1f %%  of all statements; at least %s %% are asked for\n", 100 * reached / total, minimum
        exit reached * 100 < minimum * total
    }' $profile
