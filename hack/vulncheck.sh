#!/bin/sh
# Looks for known vulnerabilities, where the database can be reached.
set -u
out=$(go tool -modfile=tools/govulncheck/go.mod govulncheck ./... 2>&1)
code=$?
case $out in
*"fetching vulnerabilities"* | *"no such host"* | *"dial tcp"* | *"Forbidden"*)
    echo "SKIPPED: govulncheck cannot reach its database"
    exit 0
    ;;
esac
echo "$out"
exit $code
