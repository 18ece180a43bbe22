# SPDX-FileCopyrightText: The Kite Authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -o errexit -o nounset -o pipefail -c
.DEFAULT_GOAL := help

# What is downloaded or built once for all work trees: the cluster's programs, the linter.
export KITE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kite

# Every folder below cmd/ is a program; its image and binary are named kite-<folder>.
PROGRAMS := $(notdir $(patsubst %/,%,$(wildcard cmd/*/)))

# What the programs say for --version.
VERSION ?= v0.0.0-g$(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X k8s.io/component-base/version.gitVersion=$(VERSION)

# Extra flags for go test, for example TESTFLAGS='-v -run TestWatch'.
TESTFLAGS ?=
# Upstream's storage suite runs as often as this to find orders that are rare.
CONFORMANCE_COUNT ?= 3
SOAK_COUNT ?= 20
# How long all faults together are injected in random order.
KITE_FAULTS_DURATION ?= 60s
export KITE_FAULTS_DURATION

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := $(KITE_CACHE)/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
export GOLANGCI_LINT
export GOLANGCI_LINT_CACHE ?= $(KITE_CACHE)/lint

# Tests take the database that KITE_TEST_POSTGRES_DSN names, else a private server that is started for them.
POSTGRES = export KITE_TEST_POSTGRES_DSN="$${KITE_TEST_POSTGRES_DSN:-}"; \
	if [[ -z $$KITE_TEST_POSTGRES_DSN ]]; then KITE_TEST_POSTGRES_DSN=$$(hack/cluster/postgres up); fi

##@ General

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## Bring up a real cluster with Kite in it, let a pipeline fail, recover and fail again
	hack/demo/run

##@ Build

.PHONY: build
build: ## Build every program into bin/
	@mkdir -p bin
	$(foreach program,$(PROGRAMS),CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/kite-$(program) ./cmd/$(program);)

.PHONY: images
images: ## Build one image per program; push them to KITE_REGISTRY, without it write archives to dist/
	@go run ./hack/image -ldflags '$(LDFLAGS)' $(if $(KITE_REGISTRY),--registry $(KITE_REGISTRY)) $(PROGRAMS)

##@ Test

.PHONY: test
test: test-unit test-integration test-conformance test-faults test-native test-e2e ## Run all tests: the next six targets

.PHONY: test-unit
test-unit: ## Test the packages by themselves; storage against a real PostgreSQL
	@$(POSTGRES); go test -race $(TESTFLAGS) ./cmd/... ./pkg/... ./hack/... ./test/bench/report/...
	go -C examples/producer test -race ./...
	go -C test/promql test -count=1 ./... # what it reads lies outside of its module, and is not looked at by the cache

.PHONY: test-integration
test-integration: ## Test the server over HTTPS against a real PostgreSQL
	@$(POSTGRES); go test -race -timeout 20m $(TESTFLAGS) ./test/integration/...

.PHONY: test-conformance
test-conformance: ## Run the storage suite of k8s.io/apiserver, raw and under the watch cache
	@$(POSTGRES); go test -race -count=$(CONFORMANCE_COUNT) -timeout 30m $(TESTFLAGS) ./test/conformance/...

.PHONY: test-native
test-native: ## Test all that Kubernetes promises, on Issues, on a real cluster (as root, or set KUBECONFIG)
	KITE_E2E=1 go test -count=1 -timeout 60m $(TESTFLAGS) ./test/native/...

.PHONY: e2e
e2e: test-e2e ## The same as test-e2e

.PHONY: test-e2e
test-e2e: ## Test Kite in pods on a real cluster with Tekton (as root, or set KUBECONFIG)
	KITE_E2E=1 go test -count=1 -timeout 60m -v $(TESTFLAGS) ./test/e2e/...

.PHONY: test-faults
test-faults: ## Prove storage while processes are killed, connections lost and servers promoted
	@go test -race -count=1 -parallel 6 -timeout 30m $(TESTFLAGS) ./test/faults/...

# How long each fuzzer of `make fuzz` runs.
FUZZTIME ?= 30s

.PHONY: fuzz
fuzz: ## Run every fuzzer for FUZZTIME (30s); what it finds stays in testdata/fuzz as a test
	@grep -rlE '^func Fuzz' --include='*_test.go' pkg | while read -r file; do \
		sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$$file" | while read -r name; do \
			echo "$$name in $${file%/*}"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $(TESTFLAGS) "./$${file%/*}" </dev/null; \
		done; \
	done

.PHONY: test-mutations
test-mutations: ## Break the storage in each of its promises, and see that a named test notices
	@$(POSTGRES); KITE_MUTATIONS=1 go test -count=1 -timeout 30m $(TESTFLAGS) ./test/mutation/...

.PHONY: test-soak
test-soak: test-mutations ## Run the mutations, the storage suite SOAK_COUNT (20) times, and all faults mixed for 10 minutes
	$(MAKE) test-conformance CONFORMANCE_COUNT=$(SOAK_COUNT) TESTFLAGS='-timeout 6h $(TESTFLAGS)'
	$(MAKE) test-faults KITE_FAULTS_DURATION=10m TESTFLAGS='-run TestMixedFaults -v $(TESTFLAGS)'

##@ Benchmark

# Suites of bench-storage: upstream cached writes reports latency; empty means all.
BENCH_SUITES ?=
# Rounds of bench-storage and bench-http; peers take turns in each.
export BENCH_COUNT ?= 5
PROFILES := bin/profiles

.PHONY: bench-storage
bench-storage: ## Measure storage, against etcd and against its own SQL driven raw: docs/benchmarks.md
	@$(POSTGRES); test/bench/run $(BENCH_SUITES)

.PHONY: bench-http
bench-http: ## Measure Kite over HTTPS on a real cluster, against a CRD and etcd (as root, or set KUBECONFIG)
	test/bench/run http

.PHONY: bench-scale
bench-scale: export BENCH_COUNT = 1
bench-scale: ## Measure a million issues against ten thousand, memory and 1,000 watches; takes half an hour
	@$(POSTGRES); test/bench/run scale memory watchers

.PHONY: bench-profile
bench-profile: ## Write CPU profiles of creates and updates by 64 writers to bin/profiles/
	@mkdir -p $(PROFILES)
	@$(POSTGRES); go test -c -o $(PROFILES)/storage.test ./pkg/storage/postgres; \
	for kind in plain issue; do for op in create update; do \
		(cd pkg/storage/postgres && $(CURDIR)/$(PROFILES)/storage.test -test.run '^$$' -test.benchtime 5s \
			-test.bench "^BenchmarkWrites$$/^kind=$$kind$$/^writers=64$$/^op=$$op$$/^via=storage$$" \
			-test.cpuprofile $(CURDIR)/$(PROFILES)/$$kind-$$op.prof); \
		go tool pprof -top -cum -nodecount=40 $(PROFILES)/storage.test $(PROFILES)/$$kind-$$op.prof; \
	done; done

##@ Code

.PHONY: generate
generate: ## Regenerate code from the types in pkg/apis
	hack/update-codegen.sh

.PHONY: tidy
tidy: ## Make go.mod and go.sum say what the code needs
	go mod tidy
	go -C test/consumer mod tidy
	go -C test/promql mod tidy
	go -C examples/producer mod tidy

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code
	$(GOLANGCI_LINT) fmt

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint the code
	$(GOLANGCI_LINT) run
	cd test/consumer && $(GOLANGCI_LINT) run
	cd test/promql && $(GOLANGCI_LINT) run
	cd examples/producer && $(GOLANGCI_LINT) run

.PHONY: verify
verify: $(GOLANGCI_LINT) ## Check that nothing is left to generate, tidy, format, lint or commit
	hack/verify

$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION) once, which takes some minutes"
	@rm -rf $(@D)/build && mkdir -p $(@D)/build
	@GOBIN=$(@D)/build GOFLAGS= CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(@D)/build/golangci-lint $@ && rmdir $(@D)/build

##@ Cluster

.PHONY: cluster-up
cluster-up: ## Make a real cluster on this machine, or complete a half-made one
	hack/cluster/up

.PHONY: cluster-down
cluster-down: ## Remove that cluster and the PostgreSQL servers of the tests
	hack/cluster/down
	hack/cluster/postgres down

.PHONY: dev
dev: ## Run kite-apiserver on this machine behind that cluster's aggregator
	hack/dev
