# The commands of this project. `make` alone lists them.
#
# Every target does its own set-up first, in .venv (see scripts/install). Outside this folder only the home of the program
# and pip's own cache are written. GNU Make 3.81, a POSIX shell and BSD tools are enough, as macOS has them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := .venv/bin
# Options for the server or for pytest, as in: make run ARGS="--port 9000"   make test ARGS="-k journal"
ARGS :=

# Tests of values and rules: no process, no network, no database.
PURE_TESTS := $(wildcard tests/core tests/house tests/turns tests/features/providers)

# Each stream and each follower is an open file, and macOS allows 256 of them unless asked. Never lowers the limit.
RAISE_LIMIT := for n in 65536 10240; do [ "$$(ulimit -S -n)" = unlimited ] || [ "$$(ulimit -S -n)" -ge $$n ] || \
	ulimit -S -n $$n 2>/dev/null; done

# A download that fails has said why; the program tries again when the model is first asked for.
GET_FIRST_MODEL := $(BIN)/windowseat models get smollm2 || \
	echo "The first model is not there yet, for the reason above; everything else is ready." >&2

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: install ## set up what is missing, then start the server (it fetches the first model itself)
	@$(RAISE_LIMIT); exec $(BIN)/windowseat serve $(ARGS)

.PHONY: setup
setup: install ## install the program and its first model, start nothing
	@$(GET_FIRST_MODEL)

.PHONY: dev
dev: install ## start the server, and start it again whenever its source changes
	@$(RAISE_LIMIT); exec $(BIN)/python scripts/reload.py $(ARGS)

.PHONY: test
test: lint types contracts test-model ## run every check and every test but the long ones (within 15 minutes)
	@$(RAISE_LIMIT); $(BIN)/python -m pytest $(ARGS)

.PHONY: test-long
test-long: install-dev test-model ## run the long tests too: crashes by the hundred, load, endurance
	@$(RAISE_LIMIT); $(BIN)/python -m pytest -m "long or not long" -o faulthandler_timeout=3600 $(ARGS)

# Each prints a table; run on a quiet machine. docs/benchmarks.md says what they found.
.PHONY: bench
bench: install-dev ## measure start, streams, journal and dialects beside their references (5 minutes)
	@$(RAISE_LIMIT); for each in "start --rounds 3 --memory-rounds 1" "streams --rounds 1" journal dialects; do \
		set -- $$each; name=$$1; shift; $(BIN)/python benchmarks/$$name.py "$$@" || exit 1; done

.PHONY: check
check: lint types contracts ## run lint, types, import contracts and the pure tests (within a minute)
	@$(BIN)/python -m pytest $(PURE_TESTS) $(ARGS)

.PHONY: lint
lint: install-dev ## look for mistakes and untidiness
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --quiet --check

.PHONY: format
format: install-dev ## tidy the source
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format

.PHONY: types
types: install-dev ## check the types
	@$(BIN)/mypy

.PHONY: contracts
contracts: install-dev ## check that imports run downward only
	@$(BIN)/lint-imports --no-logo

.PHONY: lock
lock: install-dev ## make the locks again from pyproject.toml (UPGRADE=1 takes newer releases)
	@sh scripts/lock

.PHONY: package
package: install-dev ## build the wheel and the source archive into dist/
	@rm -rf dist && $(BIN)/hatchling build

.PHONY: clean
clean: ## remove all that these commands made in this folder
	rm -rf .venv .cache dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: install
install:
	@sh scripts/install

.PHONY: install-dev
install-dev:
	@sh scripts/install dev

# The tests that ask a real model share one copy of it, apart from the user's.
.PHONY: test-model
test-model: install-dev
	@WINDOWSEAT_HOME="$(CURDIR)/.cache"; export WINDOWSEAT_HOME; $(GET_FIRST_MODEL)
