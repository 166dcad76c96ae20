.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# A target reads what the one before it on the command line wrote.
.NOTPARALLEL:
# Another Python's library, with which none of ours starts.
unexport PYTHONHOME
# Where Jupyter would find other kernels under the name of ours.
unexport JUPYTER_PATH

override PYTHON := $(or $(PYTHON),python3)
PARAMETERS ?= parameters/default.yaml

BIN   := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
# -I: PYTHONPATH, PYTHONHOME and packages of the user's own Python must not reach a run.
NEO   := @$(BIN)/python -I -m neo_utils

# In the order in which they are run: aggregate.ipynb counts what fetch.ipynb has stored.
NOTEBOOKS := $(addprefix notebooks/,fetch.ipynb aggregate.ipynb explore.ipynb)

# Compose would take our .env for its own, and show the line that it cannot read.
COMPOSE := docker compose --env-file /dev/null --file docker-compose-cluster.yml
UP      := $(COMPOSE) --progress quiet up --detach --no-build
# Named without a value, which ps would show: docker takes it from the environment.
PASSED  := START END SOURCE API_KEY API_URL LOG_LEVEL WAIT REFETCH LONGEST_WAIT_S THRESHOLD_AU \
  PARQUET_COMPRESSION PARQUET_DICTIONARY
define NEEDS_DOCKER
@docker compose version >/dev/null 2>&1 || { echo "this needs Docker with its plugin Compose: \
  https://docs.docker.com/engine/install; make local-cluster-up needs neither" >&2; exit 2; }
@docker info >/dev/null 2>&1 || { echo "no Docker engine answers: start it, or see what docker info says; \
  make local-cluster-up needs none" >&2; exit 2; }
endef

# A misspelt name on the command line would otherwise be taken for a wish to run with the default.
NAMES   := START END SOURCE API_URL OUTPUT_DIR MASTER LOG_LEVEL REFETCH LONGEST_WAIT_S
NAMES   += PARQUET_COMPRESSION PARQUET_DICTIONARY THRESHOLD_AU
# These stand in no file of parameters.
NAMES += API_KEY             # NASA's key; best kept in .env
NAMES += WAIT                # 1 waits through the rate limit, for up to a day
NAMES += PARAMETERS          # the file of parameters, such as parameters/cluster.yaml
NAMES += AGAINST             # the older output that make drift compares with
NAMES += NEOS                # the NEOs that make reconcile asks for, by id, number or designation
NAMES += PYTHON              # the Python that .venv is made with
NAMES += EXTRA_WORKERS       # further workers of make cluster-up
NAMES += DOCKER_BUILD_FLAGS  # for the docker build of make cluster-up
NAMES += MASTER_UI_PORT WORKER_1_UI_PORT WORKER_2_UI_PORT  # of this machine, for Spark's pages
NAMES += JUPYTER_PORT DRIVER_UI_PORT HISTORY_PORT          # and for the other pages of the cluster
GIVEN   := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
# Variables of tools that make starts.
PASSED_ON := PYTEST_% HYPOTHESIS_% PIP_% UV_% JAVA_% SPARK_% DOCKER_% COMPOSE_% %_PROXY %_proxy SSL_CERT_% TMPDIR TZ CI
UNKNOWN := $(filter-out $(NAMES) $(PASSED_ON),$(GIVEN))
$(if $(UNKNOWN),$(error Unknown variable $(UNKNOWN). Known variables: $(strip $(NAMES))))

# What a plain run has no use for.
BENCH = $(SET_UP) bench && $(BIN)/python -m benchmarks

# build is for what is made again; a notebook run by hand may have put NASA's data there.
KEEP_NASAS = @! grep -rqs '"source": "nasa"' build --include='page_*' || \
  { echo "build holds NASA's data: move them elsewhere first; nothing was removed" >&2; exit 2; }

.PHONY: help setup run fetch aggregate report backfill plan status verify rebuild drift reconcile lab cluster-up cluster-run cluster-status cluster-logs cluster-down local-cluster-up local-cluster-down test test-all test-live lint fuzz mutants bench bench-full bench-cluster bench-set-up scaling notebooks docs lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20
	@echo
	@echo "e.g. make run START=1 END=200; also: SOURCE API_URL OUTPUT_DIR MASTER LOG_LEVEL WAIT PARAMETERS AGAINST NEOS; API_KEY: in .env"

setup: $(READY) ## Install the locked packages into .venv; every target does so itself

run: $(READY) ## Fetch what is missing of START..END, count, plot, report
	$(NEO) run --parameters "$(PARAMETERS)"

fetch: $(READY) ## Fetch what is missing of START..END
	$(NEO) fetch --parameters "$(PARAMETERS)"

aggregate: $(READY) ## Count and plot what is stored of START..END
	$(NEO) aggregate --parameters "$(PARAMETERS)"

report: $(READY) ## Write what is stored of START..END as one HTML file, counted where it is not yet
	$(NEO) report --parameters "$(PARAMETERS)"

backfill: $(READY) ## Fetch all of START..END again and replace it
	$(NEO) backfill --parameters "$(PARAMETERS)"

plan: $(READY) ## Show what a fetch of START..END would request
	$(NEO) plan --parameters "$(PARAMETERS)"

status: $(READY) ## Show what is stored
	$(NEO) status --parameters "$(PARAMETERS)"

verify: $(READY) ## Check what is stored of START..END against what was written
	$(NEO) verify --parameters "$(PARAMETERS)"

rebuild: $(READY) ## Make the tables of START..END again from the archived pages
	$(NEO) rebuild --parameters "$(PARAMETERS)"

drift: $(READY) ## Tell what changed since the older output AGAINST=folder
	$(NEO) drift --parameters "$(PARAMETERS)"

reconcile: $(READY) ## Compare the Earth approaches of NEOS="433 99942" with JPL's list (needs a network)
	$(NEO) reconcile --parameters "$(PARAMETERS)"

lab: $(READY) ## Open JupyterLab on the notebooks
	$(NEO) lab

# At first what waits for nobody, so that a port that is taken is told at once. Then again and again:
# Compose does not wait for a master that is unhealthy for want of a worker which has just come back.
cluster-up: ## Build and start the Spark cluster of Docker Compose; done when it is healthy
	$(NEEDS_DOCKER)
	@echo "starting (the first time, the image is made: about two minutes) ..."
	@mkdir -p build && docker build $(DOCKER_BUILD_FLAGS) --tag neo-data-recaller . >build/image.log 2>&1 || \
	  { tail -n 20 build/image.log >&2; echo "the image cannot be made: build/image.log has the rest" >&2; exit 1; }
	@$(UP) spark-worker-1 spark-worker-2 spark-worker-extra history-server
	@for pause in 10 20 40 0; do \
	  said=$$($(UP) --wait 2>&1) && exit; \
	  case $$said in *unhealthy*) sleep $$pause ;; *) break ;; esac; \
	done; echo "$$said" >&2; echo "the cluster is not healthy: make cluster-logs may show why" >&2; exit 1
	@echo "JupyterLab      http://$$($(COMPOSE) port jupyter 8888)/lab?token=$$($(COMPOSE) exec -T jupyter cat /var/lib/neo/lab/token)"
	@echo "Spark master    http://$$($(COMPOSE) port spark-master 8080)"
	@echo "workers         http://$$($(COMPOSE) port spark-worker-1 8081)  http://$$($(COMPOSE) port spark-worker-2 8082)"
	@echo "a running job   http://$$($(COMPOSE) port jupyter 4040)"
	@echo "past jobs       http://$$($(COMPOSE) port history-server 18080)"
	@echo "a job for it    make cluster-run START=1 END=200"

# MASTER and OUTPUT_DIR of .env and the environment are meant for this machine.
cluster-run: PARAMETERS = parameters/cluster.yaml
cluster-run: OUTPUT = $(if $(filter command,$(origin OUTPUT_DIR)),$(OUTPUT_DIR),output)
cluster-run: ## Fetch what is missing of START..END, count, plot, on that cluster
	$(NEEDS_DOCKER)
	@[ "$(origin MASTER)" != "command line" ] || { echo "MASTER is this cluster's own here: leave it out, or use make run" >&2; exit 2; }
	@[ -n "$$($(COMPOSE) ps --quiet --status running jupyter)" ] || { echo "the cluster does not run: make cluster-up" >&2; exit 2; }
	@$(COMPOSE) exec -T jupyter sh -c 'umask 077 && cat > /tmp/.env' < $(or $(wildcard .env),/dev/null)
	@[ -t 0 ] && [ -t 1 ] || no_terminal=-T; $(COMPOSE) exec $$no_terminal $(PASSED:%=--env %) \
	  --env MASTER=spark://spark-master:7077 --env OUTPUT_DIR="$(OUTPUT)" jupyter \
	  sh -c 'trap "rm -f /tmp/.env" EXIT; trap : INT HUP TERM; python -m neo_utils run --parameters "$$1"' sh "$(PARAMETERS)"
	@echo "a copy of them  $(COMPOSE) cp jupyter:/neo/output/. copy"

cluster-status: ## Show its workers, cores, memory and running applications
	$(NEEDS_DOCKER)
	@$(COMPOSE) exec -T spark-master python -m neo_utils.cluster.health

cluster-logs: ## Show the last lines of its logs
	$(NEEDS_DOCKER)
	@$(COMPOSE) logs --tail 50

cluster-down: ## Stop it; what it stored stays in its volumes
	$(NEEDS_DOCKER)
	@$(COMPOSE) --progress quiet down

local-cluster-up: $(READY) ## Start a Spark master and two workers on this machine, for MASTER=spark://127.0.0.1:7077
	$(NEO) local-cluster-up

local-cluster-down: $(READY) ## End them
	$(NEO) local-cluster-down

define TEST_NOTEBOOKS
$(KEEP_NASAS)
rm -rf build/sample build/explored-sample
OUTPUT_DIR=build/nothing $(BIN)/pytest --nbval --nbval-current-env $(NOTEBOOKS)
endef

test: $(TOOLS) ## Run the fast tests, and the notebooks against their stored outputs (four minutes)
	$(BIN)/pytest -m 'not live and not slow'
	$(TEST_NOTEBOOKS)

test-all: $(TOOLS) ## Run all tests, also those with a cluster, Docker and a browser, and the notebooks (half an hour)
	$(BIN)/pytest
	$(TEST_NOTEBOOKS)

# A longer traceback shows the arguments of functions, and the key may be among them.
test-live: $(TOOLS) ## Ask NASA for one page and say what has changed in it (needs a network and a key)
	@$(BIN)/pytest -q -rN --tb=short --show-capture=no -m live tests/test_live.py

lint: $(TOOLS) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

fuzz: $(TOOLS) ## Send thousands of broken pages through the decoder (minutes)
	$(BIN)/pytest tests/test_fuzz.py --hypothesis-profile=long

mutants: $(TOOLS) ## Change the code on purpose and see whether the tests notice (half an hour)
	$(SET_UP) mutants
	$(BIN)/python -m tests.mutate_python
	$(BIN)/python -m tests.mutate_sql

bench: $(READY) ## Time the project beside what one would use instead (a coffee break)
	$(BENCH) short

bench-full: $(READY) ## The same at length, up to the whole catalogue and ten million approaches (half an hour)
	$(BENCH) full

bench-cluster: $(READY) ## Count these on 1, 2 and 4 worker cores of a cluster on this machine (twenty minutes)
	$(BENCH) cluster

bench-set-up: $(READY) ## Time every part of a set-up, from a fresh clone to the first result (ten minutes)
	$(BENCH) set-up

scaling: $(READY) ## Draw docs/scaling.svg from it: how time and memory grow with the data
	$(BIN)/python -m benchmarks.scaling

notebooks: $(READY) ## Run the notebooks with their own values and store the outputs in them
	$(KEEP_NASAS)
	rm -rf build/sample build/explored-sample
	OUTPUT_DIR=build/nothing $(BIN)/jupyter nbconvert --log-level ERROR --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
	  --KernelManager.transport_encryption=auto $(NOTEBOOKS)

docs: $(READY) ## Make docs/reference.md and the README's figure anew from the code
	mkdir -p build && $(BIN)/python -m docs.reference > build/reference.md
	mv build/reference.md docs/reference.md
	$(BIN)/python -m docs.figure > build/approaches-per-year.png
	mv build/approaches-per-year.png docs/approaches-per-year.png

COMPILE_ONLY := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header
COMPILE := $(COMPILE_ONLY) --all-extras pyproject.toml

lock: $(READY) ## Choose the newest versions that pyproject.toml admits
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock -o requirements-dev.lock
	$(COMPILE_ONLY) --group build --constraint requirements-dev.lock -o requirements-build.lock

clean: ## Remove what can be made again without a request; what was fetched stays
	$(KEEP_NASAS)
	@! test -e $(READY) || $(BIN)/python -m neo_utils clean --parameters "$(PARAMETERS)"
	rm -rf build
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

# A .venv that was moved, or whose Python is gone, is set up again.
IS_USABLE := { read -r made_at < .venv/.ready || :; } && [ "$$made_at" = "$$(cd ./.venv && pwd -P)" ] && [ -x .venv/bin/uv ] && .venv/bin/python -I -c 'import neo_utils'
ifneq ($(wildcard .venv/.ready),)
ifneq ($(shell { $(IS_USABLE); } 2>/dev/null && echo yes),yes)
$(info .venv was moved, or its Python is gone: it is set up again)
$(shell rm -f .venv/.ready .venv/.tools)
endif
endif

SET_UP := @$(PYTHON) -I neo_utils/set_up.py
$(READY): requirements-build.lock requirements.lock
	@$(PYTHON) -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "PYTHON=$(PYTHON) is not Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(SET_UP) run

# What tests and checks need, and a run does not.
$(TOOLS): $(READY) requirements-dev.lock
	$(SET_UP) tools
