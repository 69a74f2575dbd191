# The two commands to know: `make demo` and `make test`. Both make their own environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 3000
HOME_DIR := $(CURDIR)/.socialnlp

export DAGSTER_HOME ?= $(HOME_DIR)/dagster
export SOCIALNLP_STATE ?= $(HOME_DIR)/state
export SOCIALNLP_LAKE ?= $(HOME_DIR)/lake

.PHONY: help demo ui test fast lint mutants bench pictures clean

help:
	@echo "make demo   set up, land sample hours, run every workflow on them, show the results"
	@echo "make ui     the Dagster UI on the same state, http://127.0.0.1:3000 (PORT=…)"
	@echo "make test   set up and run all tests; make fast: those of the fast tier"
	@echo "make lint   ruff and mypy"
	@echo "make mutants  how many small changes of the code the tests notice (ROOM=checks, SAMPLE=25)"
	@echo "make bench  benchmarks, each against its rival"
	@echo "make pictures  those of the documents, anew (needs Chromium)"
	@echo "make clean  remove the environment and everything that demo and ui made"

# One stamp an environment: installing anew only when what it is made of has changed.
$(VENV)/.demo: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the platform into $(VENV) (first time: some minutes)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check 'pip>=25,<26' # Python 3.11's own fails on extras of extras
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[embedded,google,mart]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what the tests need into $(VENV)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[embedded,google,mart,explore,engines,package,training,aws,kubernetes,postgres,celery,test]'
	@touch $@

$(VENV)/.mutants: $(VENV)/.test
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[mutants]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/socialnlp demo

ui: $(VENV)/.demo
	@$(BIN)/socialnlp ui --port $(PORT)

# Three workers on two cores, for many tests wait; files in their own order, or those of few long tests come last.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(PYTEST)

fast: $(VENV)/.test
	@$(PYTEST) -m 'not slow'

lint: $(VENV)/.test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

mutants: $(VENV)/.mutants
	@$(BIN)/python -m tests.mutants $(ROOM) $(if $(SAMPLE),--sample $(SAMPLE))

bench: $(VENV)/.bench
	@$(BIN)/python -m benchmarks

pictures: $(VENV)/.test
	@$(BIN)/python -m tests.browser.pictures
	@$(BIN)/python -m tests.browser.report_pictures

clean:
	@rm -rf $(VENV) $(HOME_DIR) build/mutants
