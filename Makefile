# Everything here works on a machine with only Python (3.11 or newer), git and make.
#   make demo     see the main job run          make test    run all the tests
#   make check    lint, types, layers           make help    the rest

VENV ?= .venv
# More than two cores need: many tests wait for other processes.
WORKERS ?= 4
# What is installed to develop with: a group of pyproject.toml.
GROUP ?= dev
# Versions to install, such as the oldest that are allowed: PINS="$$(python3 tools/floors.py)".
PINS ?=
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers generate format bench mutations audit clean

help:  ## show this
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.installed  ## bulk-update 3,322 real aircraft in an emulated Chakra
	@$(BIN)/python -m examples.demo

test: $(VENV)/.installed-dev  ## run all the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

check: lint types layers  ## lint, types and layers

lint: $(VENV)/.installed-dev  ## ruff, and whether what is generated is fresh
	$(BIN)/ruff check .
	$(BIN)/python tools/generate_sync.py --check
	$(BIN)/python tools/endpoints.py --check
	$(BIN)/python tools/faults.py --check
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev  ## mypy and pyright, both strict, and that no public type is unknown
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pyright --verifytypes chakra_async --ignoreexternal

layers: $(VENV)/.installed-dev  ## who may import whom
	$(BIN)/python -m pytest -q tests/test_layers.py

generate: $(VENV)/.installed-dev  ## write anew what is generated: sync facade, tables of endpoints and faults
	$(BIN)/python tools/generate_sync.py
	$(BIN)/python tools/endpoints.py
	$(BIN)/python tools/faults.py

format: $(VENV)/.installed-dev  ## rewrite the code in the house style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev  ## measure, in under ten minutes (BENCH_ARGS=--quick: in two)
	@$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

mutations: $(VENV)/.installed-dev  ## switch off one defence after another, and see that the tests notice
	$(BIN)/python tools/mutations.py $(MUTATIONS)

audit:  ## look for known weaknesses in what we depend on (needs the network)
	@$(MAKE) --no-print-directory VENV=.venv-audit .venv-audit/.installed
	@.venv-audit/bin/python -m pip install --quiet --group audit
	.venv-audit/bin/pip-audit --skip-editable

clean:  ## remove what make has made
	rm -rf .venv* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11, which is needed." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (on Debian: apt install python3-venv)." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing chakra_async and what it needs"
	@$(BIN)/python -m pip install --quiet --editable '.[cli]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing chakra_async and what its tests need"
	@$(BIN)/python -m pip install --quiet --editable '.[cli]' --group $(GROUP) $(PINS)
	@touch $@ $(VENV)/.installed
