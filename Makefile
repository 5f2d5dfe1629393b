# Every way to work on this project, one target each; `make help` lists them.
# A fresh clone needs git, make and Python 3.11 or newer. Go is used where it is there, and comes
# from the Python package index where it is not.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Tests and benches start hundreds of processes. Where Python is told to keep no bytecode, as in many
# containers, each of them would compile all it imports: some seconds of a core.
export PYTHONDONTWRITEBYTECODE :=

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV_DIRECTORY := $(VENV)/uv-$(UV_VERSION)
UV := $(UV_DIRECTORY)/bin/uv
SOURCES := $(wildcard failover workflows activities triggers cli devstack bench tests worker.py)
COMPILE_LOCK := pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--all-extras --group dev pyproject.toml -o requirements.lock

# The first Python that is new enough; PYTHON=… chooses another one.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v "$$python" && break; done)

.PHONY: setup demo test record-histories test-long bench check format docs binaries lock clean help

setup: $(READY)  ## the virtual environment, from the lock file

$(READY): pyproject.toml requirements.lock | $(UV)
	@echo "setup: installing the locked packages into $(VENV) (half a minute)"
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
	@echo "setup: done"

$(UV):
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 or newer is needed; put it on PATH, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "setup: making $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv $(VENV) \
		|| { echo "setup: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(UV_DIRECTORY) uv==$(UV_VERSION)

demo: binaries  ## watch an application move from one cluster to another
	@$(BIN)/failover demo $(ARGS)

test: binaries  ## every test, on real servers (PYTEST='-k name' chooses)
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not long" $(PYTEST)

record-histories: binaries  ## histories of today's failovers, for the replay tests
	@$(BIN)/python -m pytest -q --record-histories tests/e2e/test_replay.py

REPEATS ?= 2
test-long: binaries  ## every test again and again, in random orders and with random faults; prints its seeds
	@seed=$${TEST_SEED:-$$RANDOM}; for turn in $$(seq $(REPEATS)); do \
		echo "test-long: turn $$turn of $(REPEATS); TEST_SEED=$$seed make test-long plays it again"; \
		TEST_SEED=$$seed $(BIN)/python -m pytest -p randomly --randomly-seed=$$seed $(PYTEST); \
		seed=$$((seed + 1)); done

bench: binaries  ## how fast failovers are here (QUICK=1 for a short one)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(ARGS)

check: setup  ## lint, types, architecture and unit tests, without servers
	@echo "check: ruff"; $(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "check: make format puts the format right" >&2; exit 1; }
	@echo "check: mypy"; $(BIN)/mypy $(SOURCES)
	@echo "check: pyright"; $(BIN)/pyright $(SOURCES)
	@echo "check: imports"; $(BIN)/lint-imports
	@echo "check: unit tests"; $(BIN)/python -m pytest -q -n 2 tests/unit

format: setup  ## put the format right
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

docs: setup  ## what is written from the code: policy reference, schema, definitions
	@$(BIN)/python docs/generate.py

binaries: setup  ## Temporal, etcd and Kubernetes: found, downloaded, or built once
	@$(BIN)/python -m devstack.binaries --quiet temporal kube

lock: | $(UV)  ## the lock file, from pyproject.toml
	@$(UV) $(COMPILE_LOCK)

clean:  ## what was made here; built binaries stay in their cache
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@echo "Targets:"
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'
