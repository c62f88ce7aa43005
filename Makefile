.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
VENV := .venv/installed
VENV_TEST := .venv/installed-test
# Tests wait for programs as often as they compute: four at a time keep two cores busy.
WORKERS := -n 4 --dist loadfile --no-loadscope-reorder

# What is installed names the folder it is in: when that was moved, it is installed anew.
ifneq ($(shell cat .venv/folder 2>/dev/null || pwd -P),$(shell pwd -P))
.PHONY: $(VENV)
endif

.PHONY: help run demo test test-all coverage lint type bench costs package plan grafana kubernetes image proof settings openapi clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV): pyproject.toml uv.lock infra/local/install.sh
	@infra/local/install.sh && touch $@

$(VENV_TEST): $(VENV) infra/local/checkov.txt infra/local/mlflow/requirements.txt
	@infra/local/install.sh --test && touch $@

run: $(VENV) ## start the whole system on this machine and replay real data; Ctrl-C stops it
	@aia local

demo: $(VENV) ## the same without a person: start, replay, check the outcome, stop
	@aia demo

test: $(VENV_TEST) ## all tests but the long ones; COVERAGE="--cov --cov-report=term" measures core/ meanwhile
	@pytest $(WORKERS) $(COVERAGE)

test-all: $(VENV_TEST) ## all tests, the long ones too, with the branch coverage of core/
	@AIA_TESTS=all pytest $(WORKERS) --cov --cov-report=term --cov-fail-under=95

coverage: $(VENV_TEST) ## the branch coverage of core/ by its own tests
	@pytest $(WORKERS) --cov --cov-report=term --cov-fail-under=95 core tests/unit

lint: $(VENV) ## ruff, shell syntax, and the alert rules, dashboards and runbooks
	@ruff check && ruff format --check && bash -n infra/local/install.sh && bash -n infra/local/proof.sh && bash -n infra/container/build.sh && bash -n .ci/run && python -m infra.lint

type: $(VENV) ## mypy, strict; also of the benchmarks that have types, which no test runs
	@mypy
	@for part in business capacity drift experiments generative incidents; do MYPYPATH=tests/benchmarks/$$part mypy tests/benchmarks/$$part/*.py || exit; done

bench: $(VENV_TEST) ## measure what the targets name; the tables go to build/
	@python tests/benchmarks/run.py

costs: $(VENV) ## estimate the monthly bill from the settings and list prices
	@python -m infra.costs

package: $(VENV) ## one archive a function and one template a training pipeline, into build/packages
	@python -m infra.stage --archives build/packages
	@python -m infra.training --templates build/packages

plan: $(VENV) ## print what terraform apply would create, and the bill of a month, without a cloud; VERBOSE=1 has the arithmetic
	@python -m infra.plan $(if $(VERBOSE),--verbose)

grafana: $(VENV) ## the dashboards for Grafana, into build/grafana; RUNBOOKS=URL is where their links lead
	@python -m infra.grafana --runbooks "$(RUNBOOKS)"

kubernetes: $(VENV) ## the functions, Collectors and alert rules for Kubernetes, into build/kubernetes; RUNBOOKS as above, LABELS="--label NAME=VALUE --image NAME ..."
	@python -m infra.kubernetes --runbooks "$(RUNBOOKS)" $(LABELS)

image: ## the functions as one container image, aia:latest; IMAGE="--warehouse --debootstrap NAME:TAG" as infra/container/build.sh says
	@infra/container/build.sh $(IMAGE)

proof: ## install and run on bare Debian 12 and 13, made here; as root, some minutes each; SUITES="trixie" for one
	@infra/local/proof.sh $(SUITES)

settings: $(VENV) ## the tables of docs/settings.md and the schema for editors, from what core/settings declares
	@python -m infra.settings

openapi: $(VENV) ## the document of the API and its typed client, from the operations that it declares
	@python -m infra.openapi

clean: ## remove what was built, the virtual environment and the local data
	@rm -rf build dist .aia .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
