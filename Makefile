# Everything runs in .venv of this checkout, made on demand. Needs Python 3.11 or newer and make, nothing else.
#
#   make demo                           draw a few pictures and a tune, render them through a farm of its own
#   make demo MEDIA=~/Pictures/trip     the same with your own pictures and clips
#   make up                             a whole farm on this machine
#   make test                           every test; make test-fast: without real servers and media
#   make check                          format, lint, types, architecture
#   make bench ONLY=render              benchmarks; without ONLY, all of them

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Errors only: what a newcomer waits for comes after it.
PIP ?= $(RUN) -m pip --disable-pip-version-check -qq
JOBS ?= 3
MEDIA ?=
ONLY ?=

.PHONY: help demo up test test-fast check bench clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

demo: $(VENV)/.for-demo
	@$(VENV)/bin/farm demo $(if $(MEDIA),--media "$(MEDIA)")

up: $(VENV)/.for-up
	@$(VENV)/bin/farm up

test: $(VENV)/.for-test
	$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/.for-test
	$(RUN) -m pytest -m "not slow" -n $(JOBS) --dist loadfile

check: $(VENV)/.for-test
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -q tests/architecture

bench: $(VENV)/.for-bench
	$(RUN) -m tests.benchmarks $(ONLY)

clean:
	rm -rf $(VENV) .farm demo-out .bench

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Kinefarm needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The stamps say what is installed; a changed pyproject.toml installs again.
$(VENV)/.for-demo: pyproject.toml | $(RUN)
	@echo "installing into $(VENV), once; this may take some minutes …"
	@$(PIP) install --editable '.[embedded,render]'
	@touch $@

$(VENV)/.for-up: pyproject.toml | $(RUN)
	@echo "installing into $(VENV), once; this may take some minutes …"
	@$(PIP) install --editable '.[embedded,render,align,describe,generate,flower]'
	@touch $@ $(VENV)/.for-demo

$(VENV)/.for-test: pyproject.toml tests/constraints.txt | $(RUN)
	@echo "installing into $(VENV), once; this may take some minutes …"
	@$(PIP) install --constraint tests/constraints.txt --editable '.[embedded,render,align,describe,vlm,generate,diffusers,aaf,postgres,s3,flower,otel,dev]'
	@$(PIP) install --editable '.[voice]' || echo "No C compiler for ttspico? Its tests are skipped." >&2
	@touch $@ $(VENV)/.for-demo $(VENV)/.for-up

$(VENV)/.for-bench: $(VENV)/.for-test
	@$(PIP) install --constraint tests/constraints.txt --editable '.[whisper,kokoro]'
	@touch $@
