# Any image with a shell and Go will do as the build stage. It needs BuildKit, which
# is what docker build has been since Docker 23.
ARG GO_IMAGE=golang:1.26

FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS modules
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE=/cache
WORKDIR /src
COPY go.mod go.sum ./
# The secret is a PEM file to trust beside the public roots, for a proxy that
# inspects TLS. It stays out of every layer.
RUN --mount=type=secret,id=ca,target=/run/ca/ca.crt \
    SSL_CERT_DIR=/etc/ssl/certs:/run/ca go mod download

FROM modules AS build
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
COPY . ./
# An image with a shell need not have cat.
RUN --mount=type=cache,target=/cache \
    read -r gcflags < hack/gcflags && \
    GOPROXY=off GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false ${gcflags} -ldflags "-s -w -X main.version=${VERSION}" -o /flux-trust .

FROM scratch
ARG VERSION=dev
# make image adds the labels that need git: hack/labels.sh.
LABEL org.opencontainers.image.title="flux-trust" \
      org.opencontainers.image.description="KRM function that gives Flux controllers a company CA" \
      org.opencontainers.image.source="https://fluxtrust.dev/flux-trust" \
      org.opencontainers.image.version="${VERSION}" \
      io.artifacthub.package.readme-url="https://fluxtrust.dev/flux-trust/README.md" \
      io.artifacthub.package.category="security" \
      io.artifacthub.package.keywords="mutator,validator,flux,security,tls"
# kustomize runs functions as nobody, by that name.
COPY --chmod=644 tools/release/image/passwd /etc/passwd
COPY --from=build /flux-trust /flux-trust
USER 65534:65534
ENTRYPOINT ["/flux-trust"]
