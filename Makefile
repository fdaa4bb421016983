# The only door to the project. `make` alone lists what it can do.
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test lint clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

run: $(VENV)/complete ## Run the pipeline on this machine: [INPUT=file.csv] [ROWS=n] [K=n] [any param of the form]
	@$(RUN) -m laptop.run $(filter-out PYTHON=%,$(MAKEOVERRIDES))

test: lint ## Run lint, types and all tests
	@$(RUN) -m pytest

lint: $(VENV)/complete ## Run ruff and mypy
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

clean: ## Remove all state (.local); the environment in .venv stays
	@rm -rf .local

$(VENV)/complete: requirements.txt requirements-dev.txt
	@$(PYTHON) laptop/environment.py $(VENV)
