# Two targets are all a newcomer needs: demo and test. check is the developers' loop.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check fast lint format tiers catalog bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/demo ## Set up and run the whole pipeline on an embedded AWS
	@$(BIN)/release demo

test: .venv/installed tiers lint ## Set up all that the tests need, then lint and run every test
	$(BIN)/pytest -n auto --dist loadgroup
	cd examples/visitor-tag && npm test --silent

check: .venv/installed format lint fast ## Format, lint, type-check and run the fast tests

fast: .venv/installed
	$(BIN)/pytest -q -n auto -m "not moto and not node and not rgw and not go and not aics and not caches and not browser and not gitlab"

format: .venv/installed
	$(BIN)/ruff format --quiet .

lint: .venv/installed
	$(BIN)/ruff format --quiet --check .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

tiers: ## Install the programs that test tiers need, where this machine allows it
	@sh .ci/tiers

catalog: ## Write build/catalog: a project for GitLab's CI/CD catalog
	@sh .ci/catalog build/catalog

bench: .venv/installed ## Measure start-up, history and requests
	$(BIN)/python bench/run.py

clean: ## Remove what the targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/demo: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@

.venv/installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ .venv/demo
