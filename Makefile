# Two commands matter: `make run` shows the product, `make test` proves it. Both set up what they need.
SHELL := /bin/bash
PY := .venv/bin

.PHONY: run test check bench chaos soak fuzz setup setup-dev peers databases format

run: setup  ## A live call on this machine: the panel, two phones, a card keyed, a token
	$(PY)/tonevault demo

test: setup-dev peers check  ## Everything: checks, unit, conformance, scenario, boundary and end-to-end tests, on two cores
	$(PY)/pytest -n 2 --no-loadscope-reorder

check: setup-dev  ## Lint, types, import contracts, tidiness
	$(PY)/ruff check .
	$(PY)/ruff format --check .
	$(PY)/mypy
	$(PY)/lint-imports
	$(PY)/pytest -q tests/house

bench: setup-dev peers  ## Every measurement under benchmarks/, each printing its table
	@for each in benchmarks/*.py; do echo "== $$each"; $(PY)/python -m "benchmarks.$$(basename "$$each" .py)" || exit 1; done

chaos: setup-dev peers  ## 1,000 payments over each type of gateway, 100 kills each, on both databases: the money is counted
	@$(PY)/python -m tests.chaos

soak: setup-dev peers  ## An hour of calls, captures and charges on the whole product: nothing of it grows, nothing stays behind
	@$(PY)/python -m tests.soak

fuzz: setup-dev  ## A million hostile inputs to everything that reads what a peer sent
	$(PY)/python -m tests.fuzz

databases: setup-dev peers  ## Every test of a store on SQLite, on PostgreSQL, and on PostgreSQL at SERIALIZABLE
	TONEVAULT_TEST_DATABASES=sqlite,postgresql,serializable $(PY)/pytest tests/unit/plumbing tests/unit/cde/vault tests/unit/cde/charging \
	  tests/unit/cde/capture tests/unit/cde/audit tests/unit/desk tests/conformance/test_schema_rules.py

format: setup-dev  ## Rewrite layout as the checks want it
	$(PY)/ruff check --fix .
	$(PY)/ruff format .

setup:  ## The virtual environment with what the product needs
	@scripts/setup

setup-dev:  ## The same with what the tests need
	@scripts/setup dev

peers:  ## The phones, the browser and the load tool that the end-to-end tests use
	@scripts/install-peers
