# `make demo` and `make test` set up everything they need in .venv; Python 3.11 or newer is all they ask for.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto

.PHONY: demo test fast check clean

demo: .venv/core  ## read the sample lines, page and formulas with the installed core (no PyTorch)
	$(BIN)/amanuensis transcribe samples/lines --format tsv
	$(BIN)/amanuensis transcribe samples/pages --language fra
	$(BIN)/amanuensis transcribe samples/formulas --model math --format tsv

test: .venv/dev  ## all tests, one process a core
	$(PYTEST)

fast: .venv/dev  ## the inner loop: without the tests that take minutes
	$(PYTEST) -m "not slow"

check: .venv/dev  ## lint, format, types
	scripts/check

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info

# The stamps lie inside .venv: what is installed is installed again only when its list changes.
.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "amanuensis needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/core: pyproject.toml models/pyproject.toml | .venv/python
	$(PIP) --editable . --editable ./models
	touch $@

.venv/dev: pyproject.toml models/pyproject.toml constraints/cpu.txt | .venv/python
	$(PIP) --constraint constraints/cpu.txt --editable '.[dev]' --editable ./models
	touch $@ .venv/core
