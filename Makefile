IMAGE ?= flux-trust:dev
GO_IMAGE ?= golang:1.26
CA ?=
BUILD_FLAGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
INPUT ?=
FUZZTIME ?= 10m

# The race detector needs a C compiler.
RACE = $(shell command -v cc > /dev/null 2>&1 && echo -race)

export GOTOOLCHAIN = local

# What is made for others is named after its version, unless a name is given.
NAMED = $(if $(filter file,$(origin IMAGE)),flux-trust:$(VERSION),$(IMAGE))

.DEFAULT_GOAL := help
.PHONY: help run test e2e e2e-cluster cover lint bench fuzz image image-archive release build update clean FORCE

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: bin/flux-trust bin/kustomize ## Show before and after on the bundled example, or on INPUT=gotk-components.yaml
	@hack/run.sh $(if $(INPUT),"$(INPUT)")

test: bin/flux-trust bin/kustomize ## Run all tests that need no container engine
	go vet ./...
	@[ -d ../shared/corpus ] || echo "SKIPPED: the tests over real installs, because ../shared/corpus is not there"
	@command -v kpt > /dev/null || echo "SKIPPED: the tests with kpt, because it is not on the PATH: https://kpt.dev/installation"
	go test $(RACE) -short ./...
	go test ./internal/command -run BothWays
	go test ./internal/hardening -run 'TestRandomPods$$' -cases 100000 -v
	go test ./internal/hardening -run TestRandomPodsOnOpenShift -cases 10000
	@hack/fuzz.sh 3s
	FLUX_TRUST=$(CURDIR)/bin/flux-trust KUSTOMIZE=$(CURDIR)/bin/kustomize go test -C e2e -count=1 ./...

e2e: bin/flux-trust bin/kustomize bin/kube-score ## Run the function in kustomize, kpt and containers; says what is missing
	@hack/e2e.sh $(IMAGE) $(GO_IMAGE)

e2e-cluster: bin/flux-trust ## Run a real API server and real controllers, which are built once (ARGS=-update: docs/real-flux.md)
	FLUX_TRUST=$(CURDIR)/bin/flux-trust ETCD=$$(hack/tool.sh etcd) KUBE_APISERVER=$$(hack/tool.sh kube-apiserver) \
		SOURCE_CONTROLLER=$$(hack/tool.sh source-controller) IMAGE_REFLECTOR_CONTROLLER=$$(hack/tool.sh image-reflector-controller) \
		go test -C e2e -count=1 -v -timeout 20m -run TestCluster . $(ARGS)

cover: ## Print which part of the code the tests reach; less than 90 % is an error
	@hack/cover.sh 90

lint: bin/golangci-lint ## Check format and style
	bin/golangci-lint fmt --diff
	bin/golangci-lint run ./...
	cd e2e && ../bin/golangci-lint run ./...
	cd tools/release && ../../bin/golangci-lint run ./...
	@hack/vulncheck.sh

bench: bin/flux-trust bin/kustomize bin/yq ## Measure against other ways; writes docs/performance.md
	go test -run '^$$' -bench . -benchmem ./...
	cd tools/bench && go build -o ../../bin/bench . && go build -o ../../bin/bench-plain ./plain
	bin/bench

fuzz: ## Fuzz every target for FUZZTIME each (default 10m)
	@hack/fuzz.sh $(FUZZTIME)

image: ## Build the container image IMAGE (default flux-trust:dev), trusting the file CA
	@CA='$(CA)' hack/image.sh $(IMAGE) $(GO_IMAGE) $(VERSION) $(BUILD_FLAGS)

image-archive: ## Write the image for two architectures into dist/, without an engine
	@hack/image-archive.sh $(VERSION) $(NAMED)
	@cd dist && sha256sum flux-trust_$(VERSION:v%=%)_image.tar flux-trust_$(VERSION:v%=%)_image_linux_*.cdx.json | tee flux-trust_$(VERSION:v%=%)_image.sha256

release: ## Make binaries, image, SBOMs, provenance and checksums in dist/
	@hack/release.sh $(VERSION) $(NAMED)

build: bin/flux-trust ## Build bin/flux-trust

update: bin/flux-trust bin/kustomize ## Write golden files, schema and reference anew; read them before you commit
	go test ./api/v1alpha1 -update
	go test ./internal/codes -update
	go test ./internal/command -update
	FLUX_TRUST=$(CURDIR)/bin/flux-trust KUSTOMIZE=$(CURDIR)/bin/kustomize go test -C e2e -count=1 -run TestMatrix . -update

clean: ## Remove what was built
	rm -rf bin dist

# The Go build cache decides what is built anew.
bin/flux-trust: FORCE
	@hack/build.sh $(VERSION) $@

bin/kustomize: tools/kustomize/go.mod
	@echo "building kustomize (once)"
	@cd tools/kustomize && go build -o ../../$@ sigs.k8s.io/kustomize/kustomize/v5

bin/yq: tools/yq/go.mod
	@echo "building yq (once)"
	@cd tools/yq && CGO_ENABLED=0 go build -o ../../$@ github.com/mikefarah/yq/v4

bin/golangci-lint: tools/golangci-lint/go.mod
	@echo "building golangci-lint (once; takes some minutes)"
	@cd tools/golangci-lint && go build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/kube-score: tools/kube-score/go.mod
	@echo "building kube-score (once)"
	@cd tools/kube-score && go build -o ../../$@ github.com/zegl/kube-score/cmd/kube-score

bin/govulncheck: tools/govulncheck/go.mod
	@cd tools/govulncheck && go build -o ../../$@ golang.org/x/vuln/cmd/govulncheck
