# The project's commands. `make help` lists them; each sets up what it needs by itself, once.
#
# Needed beforehand: Python 3.11 or later and make. Packages come from wherever pip and npm of this machine are
# configured to look; every one of them is pinned by its hash in the lock files.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
DURATION ?= 30
SEEDS ?= 1000
CASES ?= 5000
DAYS ?= 500
YEARS ?= 10
INPUTS ?= 100000
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The lock files are whole, so that pip has nothing to resolve.
INSTALL := $(PIP) install --quiet --no-deps --require-hashes --requirement
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
NODE_MODULES := tests/peers/node_modules
# What the dashboard's build needs; the tests' programs are content with less.
NODE_MIN := 20 19
DASHBOARD := copier/dashboard
DASHBOARD_PAGE := $(DASHBOARD)/dist/index.html

# A stamp in .venv says which lock file is installed. Tests find the venv's programs (node, where the machine has
# none) before the machine's.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help test check dashboard conformance demo bench simulate recompute fuzz api schedules lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

test: check $(DASHBOARD_PAGE) $(NODE_MODULES)/.stamp  ## check, then run all tests
	@echo "== tests"
	@$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

check: $(VENV)/dev.stamp $(DASHBOARD)/node_modules/.stamp  ## lint, format, types, import rules
	@echo "== ruff check"
	@$(BIN)/ruff check .
	@echo "== ruff format"
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== import rules"
	@$(BIN)/lint-imports
	@echo "== types of the dashboard"
	@npm run --silent --prefix $(DASHBOARD) check

dashboard: $(DASHBOARD_PAGE)  ## build what the service shows in a browser

demo: $(VENV)/run.stamp $(DASHBOARD_PAGE)  ## copy trades between simulated brokers for DURATION=30 seconds
	@$(BIN)/python -m copier demo --duration $(DURATION)

bench: $(VENV)/bench.stamp  ## measure, and write bench/results/
	@$(BIN)/python bench/run.py

simulate: $(VENV)/dev.stamp  ## run the fault simulation with SEEDS=1000 seeds
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

recompute: $(VENV)/dev.stamp  ## decide DAYS=500 simulated days again by a second reading of the rules
	@$(BIN)/python -m tests.checker --days $(DAYS)

conformance: check $(NODE_MODULES)/.stamp  ## run the conformance suite and write docs/conformance.md
	@$(BIN)/python -m pytest -n auto tests/conformance --conformance-page docs/conformance.md

fuzz: $(VENV)/dev.stamp  ## give every decoder INPUTS=100000 broken inputs
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

api: $(VENV)/dev.stamp  ## ask every endpoint of the API at least CASES=5000 things that its document allows or forbids
	@$(BIN)/python -m tests.api --cases $(CASES)

schedules: $(VENV)/dev.stamp  ## compare YEARS=10 years of cron firings with a walk over every minute
	@$(BIN)/python -m tests.rules.cron_oracle --years $(YEARS)

lock:  ## renew the lock files from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock: needs uv on the PATH" >&2; exit 1; }
	@tools/lock

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(NODE_MODULES) $(DASHBOARD)/node_modules $(DASHBOARD)/dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis bench/results
	find copier rules adapters tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "== making $(VENV)"
	@$(PYTHON) tools/make_venv.py $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "== installing what the service needs"
	@$(INSTALL) requirements.lock
	@$(PIP) install --quiet --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "== installing what the tests need"
	@$(INSTALL) requirements-dev.lock
	@touch $@

$(VENV)/bench.stamp: requirements-bench.lock $(VENV)/dev.stamp
	@echo "== installing what the bench compares with"
	@$(INSTALL) requirements-bench.lock
	@touch $@

# The machine's own node is used where it is new enough.
$(VENV)/node.stamp: requirements-node.lock $(VENV)/run.stamp
	@if ! tools/has_node $(NODE_MIN); then echo "== installing node"; $(INSTALL) requirements-node.lock; fi
	@touch $@

# Programs that we did not write, to talk to in tests.
$(NODE_MODULES)/.stamp: tests/peers/package-lock.json $(VENV)/node.stamp
	@echo "== installing the tests' peers"
	@$(NPM_CI) --prefix tests/peers
	@touch $@

$(DASHBOARD)/node_modules/.stamp: $(DASHBOARD)/package-lock.json $(VENV)/node.stamp
	@echo "== installing what builds the dashboard"
	@$(NPM_CI) --prefix $(DASHBOARD)
	@touch $@

$(DASHBOARD_PAGE): $(DASHBOARD)/node_modules/.stamp $(shell find $(DASHBOARD)/src -type f) \
		$(DASHBOARD)/index.html $(DASHBOARD)/vite.config.ts $(DASHBOARD)/tsconfig.json
	@echo "== building the dashboard"
	@npm run --silent --prefix $(DASHBOARD) build -- --logLevel warn
