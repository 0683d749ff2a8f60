#!/bin/sh
# Runs the tests against a real API server and real controllers, each of which is built
# once for all checkouts. The older controllers are those that the probe is held to.
#
# Usage: GOTESTSUM=... hack/e2e-cluster.sh [ARGUMENT OF go test...]
set -eu
for name in etcd kube-apiserver source-controller source-controller-1.7 source-controller-1.3 \
    image-reflector-controller notification-controller notification-controller-1.9; do
    # A test finds source-controller-1.7 by the variable SOURCE_CONTROLLER_1_7.
    program=$(hack/tool.sh "$name")
    export "$(echo "$name" | tr a-z.- A-Z__)=$program"
done
if DEBIAN=$(hack/debian.sh); then export DEBIAN; fi
# What the probe says beside what the controllers say.
PROBE_TABLE=$(mktemp)
export PROBE_TABLE
trap 'cat "$PROBE_TABLE"; rm -f "$PROBE_TABLE"' EXIT
cd e2e
$GOTESTSUM --format testname -- -count=1 -timeout 20m -run TestCluster . "$@"
