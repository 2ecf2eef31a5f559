# `make demo` and `make test` need nothing but Python 3.10 or later with venv: each sets up .venv first, once.
# Another interpreter: make test PYTHON=python3.12. A single test: make test PYTEST_ARGS="tests/test_digits.py -k sample".

PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist loadfile --durations=15

VENV := .venv
BIN := $(VENV)/bin
# constraints.txt always: an unconstrained torch may be another build, gigabytes larger
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint format clean

# settings of the caller that would put packages elsewhere, or take modules from elsewhere
export PIP_USER := 0
unexport PIP_TARGET PIP_PREFIX PIP_CONSTRAINT PYTHONHOME VIRTUAL_ENV

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready-demo  ## convert the embedded models into demo/: digits read, found and outlined, with pictures
	$(BIN)/convert demo -o demo

test: $(VENV)/.ready-test lint  ## everything that must hold: style, types, tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.ready-test  ## style and types only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.ready-test  ## let ruff write the style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:  ## remove the environment, caches and outputs
	rm -rf $(VENV) .cache build dist demo out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready-demo: pyproject.toml constraints.txt
	@echo "setting up $(VENV): a minute or a few, once"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.ready-test: pyproject.toml constraints.txt
	@echo "setting up $(VENV) with the tools for tests: a minute or a few, once"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.ready-demo
