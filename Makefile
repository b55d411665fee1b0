# Every target makes its own .venv on first use. It takes Python 3.11, make and a package index, nothing else.
PYTHON := $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv
SDKS := 1.0.0 0.9.0
BENCH := .cache/bench/env
SDK_STAMPS := $(SDKS:%=.cache/sdk/%/.installed)
WORKERS ?= 2
# tests, demo and benchmark start many Airflow processes; without its bytecode kept, each compiles Airflow anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test system chromium check bench bench-uploads bench-waiting bench-imports bench-docs format clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

demo: $(STAMP) ## Run a DAG on real media against the local ittybit
	@$(BIN)/ittybit-emulator demo

test: $(STAMP) $(SDK_STAMPS) ## Run all tests
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

system: $(STAMP) ## Wait for 500 media in one Airflow, whose triggerer is killed (some 15 minutes)
	WAITS=500 $(BIN)/pytest -n 0 tests/system/test_waiting_at_scale.py $(ARGS)

chromium: ## Install the browser that the tests of the emulator's page need (Debian, as root)
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "No Chromium, and no root or apt to install it: the tests of the emulator's page are skipped"; fi

check: $(STAMP) ## Run linters, type checker and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@long=$$(git ls-files '*.py' | xargs wc -l | awk '$$1 > 400 && $$2 != "total"'); \
	  if [ -n "$$long" ]; then echo "over 400 lines:"; echo "$$long"; exit 1; fi

bench: bench-uploads bench-waiting bench-imports ## Run all three benchmarks (needs curl and an hour and a half)

bench-uploads: $(BENCH)/.installed ## Compare uploads with curl and other libraries (some 15 minutes)
	@PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks.uploads $(ARGS)

bench-waiting: $(BENCH)/.installed ## Compare waiting with other triggers (about an hour)
	@PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks.waiting $(ARGS)

bench-imports: $(BENCH)/.installed ## Compare imports with other providers (some 4 minutes)
	@PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks.imports $(ARGS)

bench-docs: $(BENCH)/.installed ## Write docs/performance.md from the last benchmarks
	@PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks.document

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove environments and caches
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis build dist

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { echo "Python 3.11 is needed"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[emulator]'
	@touch $@

.cache/sdk/%/.installed: tests/conformance/sdk/constraints-%.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --constraint $< ittybit
	@touch $@

$(BENCH)/.installed: pyproject.toml tests/benchmarks/constraints.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(BENCH)
	$(UV) pip install --quiet --compile-bytecode --python $(BENCH)/bin/python --constraint tests/benchmarks/constraints.txt --group bench --editable .
	@touch $@
