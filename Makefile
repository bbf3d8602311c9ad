# Everything sets itself up: the first run creates .venv, later ones find it ready.
SHELL := /bin/sh
PYTHON := .venv/bin/python
PROTOCOL ?=
export QUESTION ?=
PYTEST_ARGS ?= -n 2 --dist loadfile

.PHONY: help setup demo test check lint style types format cover bench screenshots package clean

help:
	@echo "make demo         ask the demo model a question that calls two tools at once"
	@echo "                  (PROTOCOL=hermes to see another protocol, QUESTION=... to ask your own)"
	@echo "make test         run the tests"
	@echo "make check        lint, types, tests with coverage"
	@echo "make bench        measure, beside a floor and a rival (QUICK=1: only see that it runs)"
	@echo "make format       let ruff rewrite what it can"
	@echo "make screenshots  take the pictures of docs/debugging.md (needs Chromium)"
	@echo "make package      build dist/*.difypkg"
	@echo "make clean        remove what was built, .venv too"

setup:
	@sh tools/set_up.sh

demo: setup
	@$(PYTHON) -m workbench run $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(if $(QUESTION),"$$QUESTION")

test: setup
	$(PYTHON) -m pytest $(PYTEST_ARGS)

check: lint cover

lint: style types

style: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: setup
	$(PYTHON) -m pyright

cover: setup
	@$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run -m pytest $(PYTEST_ARGS) -m "not timed"
	@$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

bench: setup
	@$(PYTHON) -m benchmarks $(if $(QUICK),--quick)

format: setup
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

screenshots: setup
	@$(PYTHON) -m tools.screenshots

package: setup
	@$(PYTHON) -m workbench.package

clean:
	rm -rf .venv dist build htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
