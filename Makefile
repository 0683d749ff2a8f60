IMAGE ?= flux-trust:dev
GO_IMAGE ?= golang:1.26
CA ?=
BUILD_FLAGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
INPUT ?=
FUZZTIME ?= 10m

export GOTOOLCHAIN = local
export FLUX_TRUST = $(CURDIR)/bin/flux-trust
export KUSTOMIZE = $(CURDIR)/bin/kustomize

# Packages that start goroutines, or that goroutines call.
CONCURRENT = ./internal/bundle ./internal/pattern ./internal/probe ./internal/sources ./transformer/...

# The race detector needs a C compiler.
RACE = $(shell command -v cc > /dev/null 2>&1 && echo -race)

# A tool by its module in tools/. Go builds it and keeps it in its cache.
tool = go tool -modfile=$(CURDIR)/tools/$(1)/go.mod $(1)
GOLANGCI_LINT = $(call tool,golangci-lint)
GOTESTSUM = $(call tool,gotestsum)

# What is made for others is named after its version, unless a name is given.
NAMED = $(if $(filter file,$(origin IMAGE)),flux-trust:$(VERSION),$(IMAGE))

.DEFAULT_GOAL := help
.PHONY: help run test check e2e e2e-cluster e2e-tools lint bench fuzz image image-archive release build update clean FORCE

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: bin/flux-trust bin/kustomize ## Show before and after on the bundled example, or on INPUT=gotk-components.yaml
	@hack/run.sh $(if $(INPUT),"$(INPUT)")

test: bin/flux-trust bin/kustomize ## Vet, and run every test that needs no more than Go and git
	@echo "vetting; what is compiled on the way is named"
	@go vet -v ./...
	@go vet -C e2e -v ./...
	$(GOTESTSUM) --format pkgname -- -short -timeout 30m ./...
	cd e2e && $(GOTESTSUM) --format dots -- -short -count=1 -timeout 30m ./...

check: bin/flux-trust bin/kustomize ## Run what takes longer: race detector, coverage, random pods, folders and roots, fuzzing, make e2e
	@hack/cover.sh 90
	$(GOTESTSUM) --format pkgname -- $(RACE) -short -timeout 30m $(CONCURRENT)
	$(GOTESTSUM) --format pkgname -- $(RACE) -timeout 30m -run Probe ./internal/command
	$(GOTESTSUM) --format pkgname -- -timeout 30m -run BothWays ./internal/command
	FLUX_TRUST_EVERY_GO=1 $(GOTESTSUM) --format pkgname -- -timeout 30m -run EveryGo ./internal/bundle
	$(GOTESTSUM) --format pkgname -- -run 'TestRandomPods$$' -timeout 30m ./internal/hardening -cases 100000
	$(GOTESTSUM) --format pkgname -- -run TestRandomPodsOnOpenShift ./internal/hardening -cases 10000
	$(GOTESTSUM) --format pkgname -- -run 'TestRandomFolders$$' ./internal/kustomization -cases 2000 -timeout 60m
	@hack/fuzz.sh
	cd tools/bench && go build -o ../../bin/bench . && cd ../.. && bin/bench -short
	@$(MAKE) --no-print-directory e2e

e2e: bin/flux-trust bin/kustomize bin/kube-score ## Run the end-to-end tests in containers, and with what make e2e-tools has built
	@hack/e2e.sh $(IMAGE) $(GO_IMAGE)

e2e-cluster: bin/flux-trust ## Run a real API server and real controllers, which are built once (ARGS=-update: docs/real-flux.md)
	@GOTESTSUM="$(GOTESTSUM)" hack/e2e-cluster.sh $(ARGS)

e2e-tools: ## Build the CLIs of Flux, Helm and others, once for all checkouts
	@set -e; for name in $$(sed -n 's/^\([a-z0-9.-]*\) .*/\1/p' tools/programs.txt); do hack/tool.sh $$name; done

lint: ## Check format, style and known vulnerabilities
	$(GOLANGCI_LINT) fmt --diff
	$(GOLANGCI_LINT) run ./...
	cd e2e && $(GOLANGCI_LINT) run ./...
	cd tools/release && $(GOLANGCI_LINT) run ./...
	@hack/vulncheck.sh

bench: bin/flux-trust bin/kustomize bin/yq ## Measure against other ways; writes docs/performance.md
	go test -run '^$$' -bench . -benchmem ./...
	cd tools/bench && go build -o ../../bin/bench . && go build -o ../../bin/bench-plain ./plain && go build -o ../../bin/bench-empty ./empty
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
	go test -C e2e -count=1 -run TestMatrix . -update

clean: ## Remove what was built
	rm -rf bin dist

# The Go build cache decides what is built anew, and names what it compiles.
bin/flux-trust: FORCE
	@hack/build.sh $(VERSION) $@

# Programs that are run by their path.
bin/%: tools/%/go.mod
	@echo "building $* (once)"
	@mkdir -p bin
	@cp "$$(go tool -n -modfile=$< $*)" $@
