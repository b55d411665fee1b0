# Every target makes its own .venv on first use. It takes Python 3.11, make and a package index, nothing else.
PYTHON := $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv
SDKS := 1.0.0 0.9.0
DOCS := $(VENV)/.docs
BENCH := .cache/bench/env
SDK_STAMPS := $(SDKS:%=.cache/sdk/%/.installed)
TWINE := .cache/dist/twine
CLEAN := .cache/dist/clean
DISTRIBUTION := tests/conformance/test_distribution.py tests/conformance/test_airflow_commands.py
RELIABILITY := tests/reliability/test_faults.py tests/reliability/test_killed_processes.py \
  tests/unit/transport/test_sharing_a_limit.py tests/unit/api/test_hostile_paging.py
CELERY := .cache/celery
WORKERS ?= 2
# file by file, in the order of the collection: it begins with the tests that take long
DISTRIBUTED := --dist loadfile --no-loadscope-reorder
# 3.3.2 is what `make test` runs on
VERSIONS ?= 2.11.2 3.0.6 3.1.8 3.2.2
WATCHED := $(filter 3.%,$(VERSIONS))
LEFT_OUT := $(shell sed -e '/^\#/d' -e '/^$$/d' tests/compat/left_out.txt)
# an index or a mirror that falters for a moment ends nothing
export UV_HTTP_TIMEOUT ?= 120
export UV_HTTP_RETRIES ?= 10
export PIP_RETRIES ?= 10
export PIP_DEFAULT_TIMEOUT ?= 60
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300
# tests, demo and benchmark start many Airflow processes; without its bytecode kept, each compiles Airflow anew
unexport PYTHONDONTWRITEBYTECODE

define SIZES
from importlib.metadata import distribution
from pathlib import Path
found = distribution("airflow-provider-ittybit")
files = [Path(found.locate_file(name)) for name in found.files if not str(name).endswith(".pyc")]
built = {path.suffix: path.stat().st_size for path in Path("dist").iterdir()}
print(f"{found.name} {found.version}: wheel {built['.whl']:,} bytes, source {built['.gz']:,} bytes, "
      f"installed {sum(path.stat().st_size for path in files):,} bytes in {len(files)} files")
endef
export SIZES

.PHONY: help demo test fuzz compat dist system system-waiting system-watched system-celery reliability chromium \
  check docs screenshots bench bench-uploads bench-waiting bench-imports bench-docs format clean
.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

demo: $(STAMP) ## Run a DAG on real media against the local ittybit
	@$(BIN)/ittybit-emulator demo

test: $(STAMP) $(SDK_STAMPS) ## Run all tests
	$(BIN)/pytest -n $(WORKERS) $(DISTRIBUTED) $(ARGS)

fuzz: $(STAMP) ## Make up 50,000 hostile answers and values, and more (some minutes)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n $(WORKERS) --dist worksteal -p no:randomly --hypothesis-profile=long tests/fuzz $(ARGS)

compat: $(VERSIONS:%=compat-%) ## Run what touches Airflow on its older versions (VERSIONS='2.11.2 3.2.2' on some)

compat-%: .cache/compat/%/.installed
	@echo "Airflow $*"
	@.cache/compat/$*/bin/pytest -n $(WORKERS) $(DISTRIBUTED) --one-generation $(LEFT_OUT:%=--ignore=%) $(ARGS)

dist: $(STAMP) $(TWINE)/.installed ## Build wheel and source distribution, check them, install the wheel and ask Airflow about it
	rm -rf dist
	$(UV) build --quiet --build-constraints constraints.txt --out-dir dist
	$(TWINE)/bin/twine check --strict dist/*
	$(UV) venv --quiet --clear --python $(BIN)/python $(CLEAN)
	$(UV) pip install --quiet --compile-bytecode --python $(CLEAN)/bin/python --constraint constraints.txt dist/*.whl
	PROVIDER_DIST=$(CURDIR)/dist PROVIDER_PYTHON=$(CURDIR)/$(CLEAN)/bin/python $(BIN)/pytest -n 0 $(DISTRIBUTION) $(ARGS)
	@$(CLEAN)/bin/python -c "$$SIZES"

system: system-waiting system-watched system-celery ## Run what takes long: the next three

system-waiting: $(STAMP) ## Wait for 500 media in one Airflow, whose triggerer is killed (some 15 minutes)
	WAITS=500 $(BIN)/pytest -n 0 tests/system/test_waiting_at_scale.py $(ARGS)

system-watched: $(WATCHED:%=system-watched-%) ## Watch media on the older versions of Airflow 3, whose triggerer is killed

system-watched-%: .cache/compat/%/.installed
	.cache/compat/$*/bin/pytest -n 0 tests/system/test_watched_media.py $(ARGS)

system-celery: $(CELERY)/.installed ## Run the examples on two Celery workers (needs Debian's postgresql and redis-server)
	@PYTHONPATH=tests $(CELERY)/bin/python -m system.servers
	$(CELERY)/bin/pytest -n 0 tests/system/test_celery.py $(ARGS)

reliability: $(STAMP) ## Try every fault of the network on every operation, and write docs/reliability.md
	$(BIN)/pytest -n 0 $(RELIABILITY) --reliability .cache/reliability.json $(ARGS)
	@PYTHONPATH=tests $(BIN)/python -m reliability.document .cache/reliability.json

chromium: ## Install the browser that the tests of the emulator's page need (Debian, as root)
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  $(APT) update && $(APT) install -y --no-install-recommends chromium >/dev/null; \
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

docs: $(DOCS) ## Build the documentation into build/docs; a warning or a broken link fails it
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky --fresh-env --doctree-dir build/doctrees docs build/docs
	@PYTHONPATH=tests $(BIN)/python -m documentation.links build/docs

screenshots: $(STAMP) chromium ## Take the pictures of the documentation anew from a real Airflow (needs chromium)
	@PYTHONPATH=tests $(BIN)/python -m screenshots.take docs/images

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove environments and caches
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { echo "Python 3.11 is needed"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[emulator]'
	@touch $@

$(DOCS): $(STAMP)
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group docs
	@touch $@

.cache/sdk/%/.installed: tests/conformance/sdk/constraints-%.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --constraint $< ittybit
	@touch $@

# an environment in the folder of the target: $(call environment,CONSTRAINTS,GROUP,PACKAGE)
define environment
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --constraint $(1) --group $(2) --editable $(3)
	@touch $@
endef

$(CELERY)/.installed: pyproject.toml tests/system/constraints-celery.txt $(STAMP)
	$(call environment,$(word 2,$^),celery,'.[emulator]')

$(TWINE)/.installed: tests/conformance/constraints-twine.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --constraint $< twine
	@touch $@

.cache/compat/3.3.2/.installed: pyproject.toml constraints.txt $(STAMP)
	$(call environment,constraints.txt,tests,'.[emulator]')

.cache/compat/%/.installed: pyproject.toml tests/compat/constraints-%.txt $(STAMP)
	$(call environment,$(word 2,$^),tests,'.[emulator]')

$(BENCH)/.installed: pyproject.toml tests/benchmarks/constraints.txt $(STAMP)
	$(call environment,$(word 2,$^),bench,.)
