# Two commands do everything: `make demo` and `make test`. Both set up .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := corpora classifiers review dashboards tests
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow lint types check bench constraints clean

demo: .stamp-core  ## run the whole product on a simulated literature
	$(BIN)/review demo litscale-demo

test: .stamp-dev lint types  ## ruff, mypy and the fast tests
	$(BIN)/python -m pytest -m "not slow" -n 2

test-slow: .stamp-dev  ## 100,000 records, kill -9, the built wheel
	$(BIN)/python -m pytest -m slow

lint: .stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .stamp-dev
	$(BIN)/mypy

bench: .stamp-dev  ## make bench NAME=ris: writes tests/benchmarks/results/ris.json
	$(BIN)/python tests/benchmarks/bench_$(NAME).py

constraints:  ## pin the whole closure anew, from a fresh environment
	$(PYTHON) .ci/constraints.py

clean:
	rm -rf $(VENV) .stamp-core .stamp-dev build dist litscale-demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

.stamp-core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	touch $@

.stamp-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[dev]"
	touch $@ .stamp-core
