# Any image with a shell and Go will do as the build stage.
ARG GO_IMAGE=golang:1.26

FROM ${GO_IMAGE} AS build
ARG VERSION=dev
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . ./
RUN go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/flux-trust .
# kustomize runs functions as nobody, by that name.
RUN mkdir -p /out/etc && echo 'nobody:x:65534:65534:nobody:/:/sbin/nologin' > /out/etc/passwd

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="flux-trust" \
      org.opencontainers.image.description="KRM function that gives Flux controllers a company CA" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/ /
USER 65534:65534
ENTRYPOINT ["/flux-trust"]
