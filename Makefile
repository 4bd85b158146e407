# Two commands set everything up on a fresh machine: `make demo` and `make test`;
# `make docs` builds the documentation into site/.
#   PYTHON=python3.12   another interpreter
#   PIP_ARGS="…"        options for pip, for example
#                       PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
BIN := $(VENV)/bin
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --only-binary :all: \
	--constraint constraints.txt $(PIP_ARGS)
INSTALL = $(BIN)/python $(PIP_INSTALL)

.PHONY: demo test test-all test-lowest test-ray fuzz audit lint types docs format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/segue demo

test: $(VENV)/.installed-test lint types
	$(BIN)/python -m pytest

# With the long tests of docs/reliability.md: hours.
test-all: $(VENV)/.installed-test lint types
	$(BIN)/python -m pytest -m "slow or not slow"

# With the lowest versions that pyproject.toml allows of all that Segue runs with, in an environment
# of its own. What the wheel installs by itself is not a matter of lower bounds, nor are golden values,
# which are those of one version of each library.
LOWEST := $(VENV)-lowest
LOWEST_TESTS ?= tests --ignore tests/test_packaging.py --ignore tests/test_golden.py
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest $(LOWEST_TESTS)

# Several machines: Ray on two cores of this one, which the other tests do without.
test-ray: $(VENV)/.installed-test
	$(INSTALL) --editable ".[ray]"
	$(BIN)/python -m pytest -m ray

# Hostile bundles and hostile playlists, for longer than the tests try them.
FUZZ_TRIES ?= 10000
FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.installed-test
	$(INSTALL) atheris
	$(BIN)/python tests/hostile/fuzz.py --tries $(FUZZ_TRIES)
	$(BIN)/python tests/hostile/fuzz_readers.py -max_total_time=$(FUZZ_SECONDS)

# Known faults in the libraries that are installed. Asks PyPI; status 2 where it does not answer.
audit: $(VENV)/.installed-test
	@$(INSTALL) pip-audit || { echo "Not audited: pip-audit cannot be installed from the package index"; exit 2; }
	@$(BIN)/python .ci/audit.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

# Strict: a broken link, or a public name that is on no page, is an error.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing segue into $(VENV) (PyTorch is the large part) ..."
	$(INSTALL) --editable ".[train,draw,serve]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	$(INSTALL) --editable ".[test]"
	@touch $@

$(LOWEST)/.installed: pyproject.toml constraints.txt .ci/lowest.py
	@echo "Installing the lowest versions into $(LOWEST) ..."
	$(PYTHON) -m venv --clear $(LOWEST)
	$(PYTHON) .ci/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python $(PIP_INSTALL) --constraint $(LOWEST)/lowest.txt --editable ".[test]"
	@touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the documentation needs ..."
	$(INSTALL) --editable ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) site segue-demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
