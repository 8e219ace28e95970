# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
.DEFAULT_GOAL := help
BIN := .venv/bin
.PHONY: help demo setup ui ui-types ui-unit test check types layers unit test-engines conformance bench format clean

help: ## what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## set up, and run the main example: late flights out of New York
	@tools/bootstrap.sh demo
	$(BIN)/plait run examples/flights

setup: ## set up everything for working on plait
	@tools/bootstrap.sh dev

ui: setup ## build the web interface, where its sources changed
	$(BIN)/python tools/ui.py build

ui-types: setup ## the interface's types anew, from the server's description of its API
	$(BIN)/python tools/ui.py schema

ui-unit: setup ## the tests of the web interface's own functions
	$(BIN)/python tools/ui.py test

test: setup ui check types layers ui-unit unit ## set up, and run all checks and tests

check: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## types
	$(BIN)/mypy

layers: setup ## each layer imports only from those below it
	$(BIN)/lint-imports

unit: setup ## the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-engines: ## the tests on engines and services that need minutes, in an environment of their own
	@VENV=.venv-engines tools/bootstrap.sh engines
	.venv-engines/bin/python -m pytest -n 2 --dist loadfile -m engine_slow -rs

conformance: ## the executors' promises on every engine, and the table of them in docs/executors.md
	@VENV=.venv-engines tools/bootstrap.sh engines
	.venv-engines/bin/python -m pytest -m "" -rs -p tests.executors.table tests/executors/test_conformance.py

bench: setup ## plait beside its peers, as tables (minutes)
	$(BIN)/python -m benchmarks

format: setup ## mend the style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what was made here
	rm -rf .venv .venv-engines ui/node_modules src/plait/server/static .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
