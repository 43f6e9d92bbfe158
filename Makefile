# Two commands do all the set-up: `make run` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: run test check lint bench soak fuzz servers clean

run: $(VENV)/.run
	$(BIN)/madoguchi run -c config.toml

test: $(VENV)/.dev servers
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV)/.dev lint test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev servers
	$(BIN)/python -m tests.bench.run
	$(BIN)/python -m tests.bench.hostile
	$(BIN)/python -m tests.bench.reading
	$(BIN)/python -m tests.bench.mailbox
	$(BIN)/python -m tests.bench.clock
	$(BIN)/python -m tests.bench.start

soak: $(VENV)/.dev servers
	$(BIN)/python -m tests.soak.run
	$(BIN)/python -m tests.soak.mailbox
	$(BIN)/python -m tests.daemon.test_telegram
	$(BIN)/python -m tests.daemon.test_matrix
	$(BIN)/python -m tests.soak.posts
	$(BIN)/python -m tests.soak.clock

# FUZZ_SECONDS says how long (600); what is found lies below var/fuzz.
fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.read_mail

# The real servers that the tests talk to; a machine that has them installs nothing.
servers: $(VENV)/bin/python
	@sh tests/servers.sh
	@PYTHON=$(BIN)/python sh tests/synapse.sh >/dev/null

$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh tests/servers.sh python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
