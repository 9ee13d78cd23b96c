# Every developer command. `make help` lists them.
.DEFAULT_GOAL := help
GO ?= go

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## build and start the example service
	$(GO) run ./cmd/ballast up examples/web

.PHONY: build
build: ## build ./ballast
	CGO_ENABLED=0 $(GO) build -trimpath -o ballast ./cmd/ballast

.PHONY: check
check: fmt vet lint test ## format, vet, lint, structure test, all tests with -race, 50 simulator seeds

.PHONY: fmt
fmt: ## fail where gofmt would change something
	@out="$$(gofmt -s -l .)"; if [ -n "$$out" ]; then echo "gofmt -s -w these:"; echo "$$out"; exit 1; fi

.PHONY: vet
vet: ## go vet, for Linux and macOS
	$(GO) vet ./...
	GOOS=darwin $(GO) build ./...

.PHONY: lint
lint: ## staticcheck
	$(GO) tool staticcheck ./...

.PHONY: test
test: ## all tests with the race detector
	$(GO) test -race ./...

.PHONY: sim
sim: ## every file of scenarios/, then the simulator's random histories, SEEDS of them (default 50)
	$(GO) run ./cmd/ballast simulate scenarios
	$(GO) test ./internal/sim -run TestSeeds -count=1 -v -timeout 2h -args -seeds=$${SEEDS:-50}

.PHONY: bench
bench: ## every figure of docs/performance.md, each beside its peer
	$(GO) run ./test/bench

.PHONY: fuzz
fuzz: ## every fuzzer for FUZZTIME (default 30s) and 2000 simulator seeds
	@for f in $$(grep -rl --include='*_test.go' '^func Fuzz' internal); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$f); do \
	    echo "$$(dirname $$f) $$name"; $(GO) test ./$$(dirname $$f) -run '^$$' -fuzz "^$$name\$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 1s || exit 1; \
	  done; done
	$(MAKE) sim SEEDS=2000
