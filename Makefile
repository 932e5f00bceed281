# Needs Python 3.11 or newer with its venv module, and make. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test prove mutants bench lint type clean

demo: $(VENV)/.ready
	@$(BIN)/ezrec demo $(ARGS)

test: $(VENV)/.ready
	$(BIN)/pytest -n 4 $(ARGS)

# Every promise in its long form: each point tried, and not a sample of them.
prove: $(VENV)/.ready
	$(BIN)/pytest -n 2 --long --timeout 3600 -k test_p $(ARGS)

# Every fsync, lease, check and no-replace taken out, one at a time: tests have to notice (ARGS: words).
mutants: $(VENV)/.ready
	$(BIN)/python -m tests.mutants $(ARGS)

# What it costs, beside what it may cost; ARGS=--write puts the figures into docs/benchmarks.md.
bench: $(VENV)/.ready
	$(BIN)/python -m tests.bench $(ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.ready
	$(BIN)/mypy

$(VENV)/.ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "ezrec needs Python 3.11 or newer: sudo apt install python3 python3-venv" >&2; exit 69; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ezrec needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V): make PYTHON=python3.11 …" >&2; exit 69; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: sudo apt install python3-venv" >&2; exit 69; }
	@test -d ezrec/statemachine/. || { echo "this copy has lost its symbolic links (a ZIP, or git without core.symlinks): clone it with git" >&2; exit 69; }
	@echo "installing into $(VENV), once" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[test]' -c constraints.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
