# Two commands are enough on a fresh machine: `make demo` and `make test`.
# Both first build .venv, once, and again whenever a dependency changes.

PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check
TORCH  := $(shell cat constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help demo test check docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## Chat with the reference model in the browser, at http://127.0.0.1:8700
	@$(BIN)/hunmin demo

test: check ## Check everything, then run every test this machine can
	$(BIN)/pytest --numprocesses 4 --dist worksteal --durations 40

check: .venv/ready ## Check style, types and architecture
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/pyrefly check
	$(BIN)/lint-imports

docs: .venv/ready ## Write the reference pages again from the code
	$(BIN)/python docs/generate.py

lock: ## Pin every dependency again, with hashes
	test -x $(BIN)/pip-compile || ($(PYTHON) -m venv .venv && $(PIP) pip-tools)
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --all-extras \
	    --constraint constraints.txt --unsafe-package torch --no-allow-unsafe \
	    --no-emit-index-url --no-emit-find-links \
	    --output-file requirements.lock pyproject.toml

clean: ## Remove the environment and everything built; conversations in var/ stay
	rm -rf .venv site .pytest_cache .ruff_cache .hypothesis

# requirements.lock pins and hashes everything but torch, whose wheel differs between a laptop
# and a GPU machine. Torch is pinned by version, and the package itself is linked in last.
.venv/ready: requirements.lock constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) '$(TORCH)'
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
