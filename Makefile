# skein: build, test, measure. `make run` and `make test` are all a newcomer needs.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.8.0
SEEDS ?= 200
FUZZTIME ?= 20s
KILLS ?= 100

export CGO_ENABLED ?= 0

.PHONY: run build test check fmt vet lint vuln race histories generate generate-check interop oracle conformance bench fuzz faults sim databases sync-demo clean

run: build ## build, then start a broker with its data in ./skein-data
	bin/skein serve

build: ## bin/skein, static
	go build -trimpath -ldflags "-s -w -X github.com/skein-io/skein/internal/cli.version=$(VERSION)" -o bin/skein ./cmd/skein

test: ## every Go test
	go test -timeout 25m ./...

check: fmt vet lint vuln generate-check race histories ## the whole gate

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofmt-ed:"; echo "$$out"; exit 1; fi

vet:
	go vet ./...
	cd test/interop && go vet ./... && go test ./...
	cd test/bench/consumers && CGO_ENABLED=1 go vet ./...

lint:
	go run $(STATICCHECK) ./...

vuln:
	@sh test/vulncheck $(GOVULNCHECK)

race:
	CGO_ENABLED=1 go test -race -timeout 25m ./...

histories: ## SEEDS seeded histories of a node and of a cluster, and every planted bug, without the race detector
	SKEIN_SEEDS=$(SEEDS) go test -timeout 30m ./internal/sim/cluster ./internal/sim/onenode

generate: ## read Kafka's message schemas again and write internal/protocol
	sh internal/protocol/generate/schemas.sh out/schemas
	go run ./internal/protocol/generate -schemas out/schemas

generate-check: ## fail if internal/protocol is not what the schemas give
	sh internal/protocol/generate/schemas.sh out/schemas
	go run ./internal/protocol/generate -check -schemas out/schemas

interop: build ## unmodified clients of every family, the checklist, the tour's facts, on Apache Kafka, too, and there the consumer protocol
	test/interop/run --broker skein
	go run ./test/conformance/compare --broker skein
	cd test/interop && go run ./tour
	cd test/interop && go run ./next

oracle: build ## the same raw requests to skein and to Apache Kafka, answers compared; Kafka loads skein's groups
	cd test/interop && go run ./oracle
	cd test/interop && go run ./takeover

conformance: build ## the group coordinator's checklist, asked of Apache Kafka and of skein
	go run ./test/conformance/compare

bench: build ## the figures of docs/benchmarks.md, beside Apache Kafka, and those of perceptor
	test/bench/run
	test/bench/sync

fuzz: ## each fuzz target for FUZZTIME
	sh test/fuzz $(FUZZTIME)

faults: build ## kill, stop, cut off and starve the real binary, alone and as a cluster, on raft and on ZooKeeper, KILLS times where that is a loop; as root all of it
	SKEIN_KILLS=$(KILLS) SKEIN_FAULTS_TABLE=$(CURDIR)/out/faults.md go test -count=1 -timeout 120m ./test/faults/...
	@cat out/faults.md

sim: ## SEEDS seeded histories of the log, the coordinator, a cluster and the members of groups
	SKEIN_SEEDS=$(SEEDS) go test -count=1 -timeout 60m -run Sim ./internal/... ./consumer/...

databases: ## what is written to databases and read from them: MariaDB (Debian's; as root it is installed if it is missing), SQLite, HBase and Debezium (Maven and a JDK); a cluster on ZooKeeper
	cd test/databases && go vet ./... && go test -count=1 -p 2 -timeout 30m ./...
	SKEIN_FAULTS_ZOOKEEPER=1 go test -count=1 -timeout 10m -run 'TestClusterLeaderKilled/zookeeper|TestEnsembleServerKilled' ./test/faults
	cd examples/exactly-once && go vet ./... && go test -count=1 ./...

sync-demo: build ## a pipeline from MariaDB into HBase and another database, in the terminal
	go run ./test/syncdemo

clean:
	rm -rf bin out
