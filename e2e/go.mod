module fluxtrust.dev/flux-trust/e2e

go 1.26.0
