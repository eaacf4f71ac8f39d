# The two commands of the README, and what developers use. Needs Python 3.11 or later, make and a package index.

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed

.PHONY: demo fleet serve dashboard openapi schema architecture test bench check samples clean

demo: $(INSTALLED)  ## crawl a bundled sample into an embedded PostgreSQL and show what landed
	@$(VENV)/bin/python -m samples.demo

fleet: $(INSTALLED)  ## two Scrapyd nodes and a scheduler on loopback, and a night's crawl that both share
	@$(VENV)/bin/python -m samples.fleet

serve: $(INSTALLED)  ## the API on the demo's catalog, at http://127.0.0.1:8000/docs and /app
	@$(VENV)/bin/python -m samples.serve

dashboard: $(INSTALLED)  ## the pages about crawls on an invented month, at http://127.0.0.1:8000/crawls
	@$(VENV)/bin/python -m samples.month

openapi: $(INSTALLED)  ## write docs/openapi.json anew
	$(VENV)/bin/python -m trr_api openapi

schema: $(INSTALLED)  ## write docs/schema.md anew
	$(VENV)/bin/python -m docs.schema

architecture: $(INSTALLED)  ## write the diagrams of docs/architecture.md anew
	$(VENV)/bin/python -m docs.architecture

# Every worker starts servers of its own: more than a few of them cost memory and gain little.
test: $(INSTALLED)  ## the whole test suite
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(PYTEST)

bench: $(INSTALLED) $(VENV)/peers  ## measure crawl, store and parsers beside their floors and peers
	$(VENV)/bin/python -m bench $(BENCH)

# Other people's parsers, in a folder of their own: one of them brings a urllib3 that takes the place of boto3's.
$(VENV)/peers: $(INSTALLED)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --target $@ --upgrade beautifulsoup4 imdbinfo
	@touch $@

check: $(INSTALLED)  ## what CI checks before the tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

samples: $(INSTALLED)  ## write the demo's archive anew
	$(VENV)/bin/python -m samples.archive

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) …"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[crawl,api,embedded,fleet,dev]'
	@touch $@

clean:
	rm -rf $(VENV) .trr build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
