# Two commands: `make app` and `make test`. Both make what they need, and are quick when nothing changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: app test assets lint format types clean screenshots

app: $(VENV)/.run assets
	@$(BIN)/python -m streamlit run app.py --server.port $(PORT) $(ARGS)

assets: $(VENV)/.run
	@$(BIN)/python -m fairprune assets

test: $(VENV)/.dev
	@$(BIN)/python -m tests.stages

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: $(VENV)/.dev
	$(BIN)/mypy

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
