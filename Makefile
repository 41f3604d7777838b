# Two commands: `make app` and `make test`. Both make what they need, and are quick when nothing changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: app test audit assets examples lint format types clean screenshots

app: $(VENV)/.run assets
	@$(BIN)/python -m fairprune access
	@$(BIN)/python -m fairprune.ui.serve run app.py --server.port $(PORT) $(ARGS)

assets: $(VENV)/.run
	@$(BIN)/python -m fairprune assets

test: $(VENV)/.dev
	@$(BIN)/python -m tests.stages

# Needs a database of vulnerabilities, pypi.org or a mirror that answers as it does; says so where it reaches none.
audit: $(VENV)/.dev
	@$(BIN)/python -m tests.audit

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: $(VENV)/.dev
	$(BIN)/mypy

# Real runs on the packaged model, 20 minutes on two free cores; written to fairprune/examples.
# ARGS=--missing computes those alone that are not packaged.
examples: $(VENV)/.run assets
	$(BIN)/python -m fairprune.examples $(ARGS)

screenshots: $(VENV)/.dev
	$(BIN)/python docs/screenshots.py

# A marker is newer than its requirements file when the environment holds them.
$(VENV)/.run: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/.run $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
