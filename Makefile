# Everything a newcomer needs: `make demo`, then `make test`. Needs Python 3.11 and make; tools come from the lock file.
PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Several tests run at once, one a core: more threads in each would only wait for one another.
export OMP_NUM_THREADS ?= 1
PROTOS := $(wildcard proto/router/v1/*.proto)

.PHONY: setup demo demo-year serve test check lint stubs lock bench bench-learning clean

setup: .venv/ready

.venv/ready: requirements-dev.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/pip check
	touch $@

demo: setup ## Start the server, route a sample caseload over real gRPC, show answers and metrics
	$(BIN)/python -m router demo

demo-year: setup ## A SYNTHETIC year of five offices, and the leader's page of each, in build/year
	rm -rf build/year
	$(BIN)/python -m training year --out build/year
	for office in ALL synthetic-1 synthetic-2 synthetic-3 synthetic-4 synthetic-5; do \
	  $(BIN)/python -m router ledger --office $$office --from 2026-01-05 --to 2027-01-03 \
	    --journal sqlite:///build/year/journal.db --policies build/year/policies \
	    --html build/year/ledger-$$office.html --csv build/year/ledger-$$office.csv \
	    --prometheus build/year/ledger-$$office.prom || exit 1; done
	@echo "Open build/year/ledger-ALL.html"

serve: setup ## Keep a server running on 127.0.0.1:50051, metrics on 127.0.0.1:9464
	$(BIN)/python -m router serve

test: setup examples/node/node_modules ## All tests
	$(BIN)/python -m pytest -n auto --dist loadscope

examples/node/node_modules: examples/node/package-lock.json | setup
	cd examples/node && npm ci --no-audit --no-fund --loglevel=error
	touch $@

lint: setup
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	hadolint Dockerfile
	buf lint
	buf format --diff --exit-code
	if git rev-parse --verify --quiet main >/dev/null && git cat-file -e main:buf.yaml 2>/dev/null; \
	then buf breaking --against '.git#branch=main'; else echo "buf breaking: no contract on main yet"; fi

check: lint ## What CI runs: lint, types, contracts, then the tests with coverage
	$(MAKE) --no-print-directory test PYTEST_ADDOPTS="--cov --cov-report=term"

stubs: setup ## Regenerate router/v1 from proto/
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --mypy_out=. $(PROTOS)
	$(BIN)/python -m grpc_tools.protoc -I proto --grpc_python_out=. --mypy_grpc_out=. \
	    $(addprefix proto/router/v1/,channel_router.proto models.proto feedback.proto caseload.proto)

lock: ## Resolve the lock files anew; needs uv
	uv pip compile pyproject.toml --extra parquet --extra trust --extra postgres --generate-hashes --no-emit-index-url \
	    --no-annotate --custom-compile-command "make lock" --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --no-emit-index-url --no-annotate \
	    --custom-compile-command "make lock" --python-version 3.11 -c requirements.lock -o requirements-dev.lock

bench-learning: setup ## What learning is worth against the peers, on known counterfactuals; DATA=folder adds real trials
	$(BIN)/python -m bench.learning $(if $(DATA),--data $(DATA))

bench: setup ## Speed, as ratios against an echo in the same run; needs h2load (nghttp2-client)
	$(BIN)/python -m bench
	$(BIN)/python -m bench.servers
	$(BIN)/python -m bench.plan

clean:
	rm -rf .venv examples/node/node_modules build dist
