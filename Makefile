# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# The system's Python, newest first; 3.11 is the oldest that is tested.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
LOCKED := --quiet --disable-pip-version-check --require-hashes

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  Give a command its options with ARGS, for example: make demo ARGS=--once"

.PHONY: demo
demo: $(VENV)/.run ## Set up all it needs and send a demo digest into an inbox you can open
	@$(BIN)/digest demo $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Set up all it needs and run every test (ARGS go to pytest)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Lint, types, floors, translations, lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.architecture.catalogues --check

.PHONY: format
format: $(VENV)/.dev ## Put the code in the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.dev ## Measure the figures beside their references (ARGS=AREA runs one area)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: proof
proof: $(VENV)/.fuzz ## Run the slow proofs (ARGS=AREA runs one area)
	@paths=$$($(BIN)/python -m bench.area_tests $(ARGS)) && \
	$(BIN)/python -m pytest -m "slow or hypothesis" --hypothesis-profile proof $$paths
	@$(BIN)/python -m bench --proof $(ARGS)

.PHONY: gallery
gallery: $(VENV)/.dev ## Photograph the mails' hard cases to look at (ARGS=--all takes every one)
	@$(BIN)/python -m bench.gallery $(ARGS)

.PHONY: screens
screens: $(VENV)/.dev ## Photograph every screen of the desk into docs/screens (ARGS names some)
	@$(BIN)/python -m bench.screens $(ARGS)

.PHONY: golden
golden: $(VENV)/.dev ## Write the golden mails anew; read the difference before you commit it
	@$(BIN)/python -m tests.golden

.PHONY: messages
messages: $(VENV)/.dev ## Bring the translation catalogues up to date with the code and the templates
	$(BIN)/python -m tests.architecture.catalogues --update

.PHONY: lock
lock: ## Resolve the dependencies anew and pin them (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -U pyproject.toml --group dev -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q pyproject.toml -c requirements-dev.lock -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q --group build -c requirements-dev.lock -o requirements-build.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q --group fuzz -o requirements-fuzz.lock

.PHONY: clean
clean: ## Remove what was built and the demo's data; the environment stays
	rm -rf var/demo var/bench dist build .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found. Install it (Debian: apt install python3 python3-venv) and run make again."; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python ($(PYTHON)) comes without venv. Install it (Debian: apt install python3-venv) and run make again."; exit 1; }
	@echo "Making an environment in $(VENV) ..."
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing the pinned packages (once) ..."
	@$(BIN)/python -m pip install $(LOCKED) -r requirements-build.lock -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "Installing the pinned developer packages (once) ..."
	@$(BIN)/python -m pip install $(LOCKED) -r requirements-dev.lock
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev requirements-fuzz.lock
	@if $(BIN)/python -m pip install $(LOCKED) -r requirements-fuzz.lock; then touch $@; else \
	  echo "atheris could not be installed (above is why): the proof of the news fuzzes nothing, and says so at its end."; fi
