# The words of this file are those of the README. "make help" lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED := 0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_FILES := $(shell find . -name '*.go' -not -path './node_modules/*')
TEMPLATES := $(shell find views -name '*.templ')

.PHONY: help demo test soak build ci ratio bench screenshots dev generate fmt setup setup-test format vet staticcheck fresh

help: ## list what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: build ## run the whole product with sandboxes of both systems and made-up people
	@./scripts/need.sh postgres
	./bin/salesactions demo $(ARGS)

# Everything is compiled in one way, that of the program, and so only once. "make ci" vets.
test soak: export GOFLAGS := -trimpath
TEST := go test -vet=off -ldflags=-s\ -w

test: setup-test build ## set up what is missing and run every test
	@log=$$(mktemp); trap 'rm -f '$$log EXIT; code=0; $(TEST) -timeout 15m ./... 2>&1 | tee $$log || code=$$?; \
		./scripts/slowest.sh <$$log; exit $$code

soak: setup-test build ## the random histories and the kills in full numbers, of which "make test" makes do with fewer
	$(TEST) -timeout 60m ./syncengine/tasks -run '^TestRandomHistories$$' -seed 0 -histories 1000
	$(TEST) -timeout 60m ./syncengine/activities -run '^(TestRandomHistoriesLoseAndDoubleNothing|TestActivitiesReachSalesforceOnce)$$' -histories 60 -activities 20000
	$(TEST) -timeout 60m ./e2e -run '^(TestKilled.*|Test.*Replica.*)$$' -people 50000 -activities 800 -kills 20

build: bin/salesactions ## build bin/salesactions, one static binary

bin/salesactions: $(GO_FILES) go.mod go.sum package-lock.json $(wildcard static/css/* static/js/* migrations/*.sql handlers/api/openapi.json)
	@$(MAKE) --no-print-directory setup
	go build -trimpath -ldflags "-s -w -X salesactions/cli.version=$(VERSION)" -o bin/salesactions .

ci: ## everything that must hold before a change lands
	@for step in setup format vet staticcheck fresh ratio test; do \
		echo "== $$step"; $(MAKE) --no-print-directory $$step; done

# Generated code is nobody's to test.
ratio:
	@{ find syncengine -name '*.go' -exec grep -L '^// Code generated' {} + || true; } | xargs wc -l | awk '$$2 == "total" { next } \
		$$2 ~ /_test\.go$$/ { tests += $$1; next } { code += $$1 } \
		END { printf "%.2f lines of test for each line of code in syncengine (target: 0.80)\n", tests / code }'

bench: setup build ## the benchmarks, each figure beside its limit (BENCH="--people 1000000" for the large one)
	@./scripts/need.sh postgres
	./bin/salesactions bench $(BENCH)

screenshots: build setup-test ## take the pictures of the documents anew
	@told=$$(mktemp); ./bin/salesactions demo --json --addr 127.0.0.1:0 --log-level error >$$told & demo=$$!; \
		trap 'kill $$demo; rm -f $$told' EXIT; until [ -s $$told ]; do sleep 0.2; done; \
		go run ./e2e/screenshots -demo $$told

dev: setup ## run with live reload of views and code
	@./scripts/need.sh postgres
	go tool templ generate --watch --cmd "go run . demo --data-dir .dev"

generate: ## write the generated code anew
	go tool templ generate

fmt: ## format everything
	gofmt -w $(GO_FILES)
	go tool templ fmt views

setup: ## bring the third-party scripts
	@./scripts/vendor.sh

setup-test: setup
	@./scripts/need.sh postgres
	@./scripts/need.sh chromium

format:
	@unformatted=$$(gofmt -l $(GO_FILES)); [ -z "$$unformatted" ] || { echo "not formatted, run 'make fmt':"; echo "$$unformatted"; exit 1; }
	@go tool templ fmt -fail views

vet:
	go vet ./...

staticcheck:
	go tool staticcheck ./...

fresh:
	@before=$$(cat $(TEMPLATES:.templ=_templ.go) | sha256sum); go tool templ generate >/dev/null 2>&1; \
		after=$$(cat $(TEMPLATES:.templ=_templ.go) | sha256sum); \
		[ "$$before" = "$$after" ] || { echo "generated code is stale: run 'make generate'"; exit 1; }
	go mod tidy -diff
