# Runs on GNU make 3.81 and newer. `make` alone lists what there is.

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m msp_server
T ?= tests

.PHONY: help run serve worker emulator exercise exercises test browser contract soak check format lint types bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runs  ## server and emulator together, with no settings at all
	@$(RUN) run

serve: $(VENV)/.runs  ## the server alone
	@$(RUN) serve

worker: $(VENV)/.runs  ## answer and send what `serve --web-only` takes in
	@$(RUN) worker

emulator: $(VENV)/.runs  ## the emulator alone
	@$(RUN) emulator

exercise: $(VENV)/.runs  ## one exercise of the tutorial: make exercise N=03
	@if [ -z "$(N)" ]; then echo "which one? make exercise N=03" >&2; exit 2; fi
	@$(RUN) exercise $(N)

exercises: $(VENV)/.tests  ## all exercises against the emulator, output compared
	@$(BIN)/python -m pytest -q tests/test_exercises.py

test: $(VENV)/.tests  ## all tests that need no outside service; T=tests/wire for a part
	@$(BIN)/python -m pytest -q $(T)

browser: $(VENV)/.browser  ## the emulator's page in headless Chromium; SCREENSHOTS=dir keeps pictures
	@$(BIN)/python -m pytest -q tests/browser

contract: $(VENV)/.tests  ## the store's contract suite, on PostgreSQL too if TEST_DATABASE_URL names one
	@$(BIN)/python -m pytest -q tests/contract

soak: $(VENV)/.tests  ## the tests of hard times, for hours: a thousand kills, a million inputs
	@MSP_TEST_SOAK=1 $(BIN)/python -m pytest -q --timeout=0 tests/faults

check: lint types  ## what must hold before a commit: lint, types, import contracts, tests, coverage
	@$(BIN)/python -m pytest -q --cov --cov-report=
	@$(BIN)/python -m coverage report
	@$(BIN)/python -m coverage report --include='msp_server/wire/*,msp_server/messages/*,msp_server/errors.py' --fail-under=100

format: $(VENV)/.tests  ## format the code and fix what can be fixed
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

lint: $(VENV)/.tests  ## style and import contracts
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check . && $(BIN)/lint-imports --no-cache

types: $(VENV)/.tests  ## types of server, emulator and exercises
	@$(BIN)/mypy
	@$(BIN)/mypy --scripts-are-modules msp_server/exercises/[0-9]*.py

bench: $(VENV)/.tests  ## figures, printed; nothing is asserted
	@$(BIN)/python tests/bench/inbound.py
	@$(BIN)/python tests/bench/latency.py
	@$(BIN)/python tests/bench/drain.py
	@$(BIN)/python tests/bench/crowd.py
	@$(BIN)/python tests/bench/transfers.py

clean:  ## remove what the others made, but not the messages under var/
	rm -rf .venv* .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
	find msp_server tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python of at least 3.11 that is there.
define find_python
for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; exit; fi; \
done
endef

$(BIN)/python:
	@python="$$($(find_python))"; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer is needed: install it from python.org or your system's packages," >&2; \
	  echo "or name one: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$($$python --version) ..."; \
	$$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/msp_server.pth"

$(VENV)/.runs: requirements.txt | $(BIN)/python
	@echo "installing what the server needs ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.runs
	@echo "installing what the tests need ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(VENV)/.browser: tests/browser/requirements.txt $(VENV)/.tests
	@echo "installing what the tests in a browser need ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r tests/browser/requirements.txt
	@touch $@
