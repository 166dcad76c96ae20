.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Later targets on the command line read the output of earlier ones.
.NOTPARALLEL:
# PYTHONHOME would point Python at another installation's library.
unexport PYTHONHOME
# JUPYTER_PATH could add other kernels.
unexport JUPYTER_PATH

override PYTHON := $(or $(PYTHON),python3)
PARAMETERS ?= parameters/default.yaml

BIN   := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
# -I: PYTHONPATH, PYTHONHOME and packages of the user's own Python must not reach a run.
NEO   := @$(BIN)/python -I -m neo_utils

# In the order of execution: aggregate.ipynb reads the output of fetch.ipynb.
NOTEBOOKS := $(addprefix notebooks/,fetch.ipynb aggregate.ipynb explore.ipynb)

# Compose would read the project's .env as its own, and print lines that it cannot parse.
COMPOSE := docker compose --env-file /dev/null --file docker-compose-cluster.yml
UP      := $(COMPOSE) --progress quiet up --detach --no-build
# Passed by name only, so that ps does not show the values.
PASSED  := START END SOURCE API_KEY API_URL LOG_LEVEL WAIT REFETCH LONGEST_WAIT_S THRESHOLD_AU THRESHOLD \
  PARQUET_COMPRESSION PARQUET_DICTIONARY
define NEEDS_DOCKER
@docker compose version >/dev/null 2>&1 || { echo "Docker with Compose is not installed. See \
  https://docs.docker.com/engine/install, or use make local-cluster-up, which needs neither" >&2; exit 2; }
@docker info >/dev/null 2>&1 || { echo "Docker is not running. Start it, or run docker info for details; \
  make local-cluster-up needs no Docker" >&2; exit 2; }
endef

# A misspelt name would otherwise run with the default value.
NAMES   := START END SOURCE API_URL OUTPUT_DIR MASTER LOG_LEVEL REFETCH LONGEST_WAIT_S
NAMES   += PARQUET_COMPRESSION PARQUET_DICTIONARY THRESHOLD_AU THRESHOLD
# These are not in parameter files.
NAMES += API_KEY             # NASA's key; best kept in .env
NAMES += WAIT                # 1 waits through the rate limit, for up to a day
NAMES += PARAMETERS          # the file of parameters, such as parameters/cluster.yaml
NAMES += AGAINST             # the older output that make drift compares with
NAMES += NEOS                # the NEOs that make reconcile asks for, by id, number or designation
NAMES += DAYS WITHIN BODY FROM ROWS FORMAT  # the passages that make upcoming lists, and how
NAMES += OLDER_THAN MAX_REQUESTS       # which batches make refresh fetches again
NAMES += PYTHON              # the Python that creates .venv
NAMES += EXTRA_WORKERS       # further workers of make cluster-up
NAMES += DOCKER_BUILD_FLAGS  # for the docker build of make cluster-up
NAMES += MASTER_UI_PORT WORKER_1_UI_PORT WORKER_2_UI_PORT  # host ports of Spark's web UIs
NAMES += JUPYTER_PORT DRIVER_UI_PORT HISTORY_PORT          # host ports of JupyterLab, the driver and the history server
GIVEN   := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
# Variables of tools that make starts.
PASSED_ON := PYTEST_% HYPOTHESIS_% RUFF_% MYPY_% NO_COLOR LANG LC_% PIP_% UV_% JAVA_% SPARK_% DOCKER_% COMPOSE_% %_PROXY %_proxy SSL_CERT_% TMPDIR TZ CI
UNKNOWN := $(filter-out $(NAMES) $(PASSED_ON),$(GIVEN))
$(if $(UNKNOWN),$(error Unknown variable $(UNKNOWN). Known variables: $(strip $(NAMES))))

# Packages that only benchmarks need.
BENCH = $(SET_UP) bench && $(BIN)/python -m benchmarks

# build holds only files that can be recreated, unless a notebook run by hand stored NASA's data there.
KEEP_NASAS = @! grep -rqs '"source": "nasa"' build --include='page_*' || \
  { echo "build contains NASA data. Nothing was removed. Move it elsewhere first" >&2; exit 2; }

.PHONY: help setup run fetch aggregate report backfill refresh upcoming plan status verify rebuild drift reconcile lab cluster-up cluster-run cluster-status cluster-logs cluster-down local-cluster-up local-cluster-down test test-all test-live lint fuzz mutants bench bench-full bench-cluster bench-set-up scaling notebooks docs lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20
	@echo
	@echo "e.g. make run START=1 END=200; also: SOURCE OUTPUT_DIR MASTER THRESHOLD WAIT PARAMETERS (see docs/reference.md); API_KEY: in .env"

setup: $(READY) ## Install the locked packages into .venv (every target does this when needed)

run: $(READY) ## Fetch missing pages of START..END, aggregate, plot, write the report
	$(NEO) run --parameters "$(PARAMETERS)"

fetch: $(READY) ## Fetch missing pages of START..END
	$(NEO) fetch --parameters "$(PARAMETERS)"

aggregate: $(READY) ## Aggregate and plot the stored data of START..END
	$(NEO) aggregate --parameters "$(PARAMETERS)"

report: $(READY) ## Write the report of START..END as one HTML file, aggregating if needed
	$(NEO) report --parameters "$(PARAMETERS)"

backfill: $(READY) ## Fetch all of START..END again and replace it
	$(NEO) backfill --parameters "$(PARAMETERS)"

refresh: $(READY) ## Fetch the oldest stored pages again and show what changed
	$(NEO) refresh --parameters "$(PARAMETERS)"

upcoming: $(READY) ## List the next passages: DAYS=365 WITHIN=0.2 (AU; or 10LD) BODY=Earth
	$(NEO) upcoming --parameters "$(PARAMETERS)"

plan: $(READY) ## Show what a fetch of START..END would request
	$(NEO) plan --parameters "$(PARAMETERS)"

status: $(READY) ## Show what is stored
	$(NEO) status --parameters "$(PARAMETERS)"

verify: $(READY) ## Check the stored data of START..END against its checksums
	$(NEO) verify --parameters "$(PARAMETERS)"

rebuild: $(READY) ## Rebuild the tables of START..END from the archived pages
	$(NEO) rebuild --parameters "$(PARAMETERS)"

drift: $(READY) ## Show what changed since the older output AGAINST=folder
	$(NEO) drift --parameters "$(PARAMETERS)"

reconcile: $(READY) ## Compare the Earth approaches of NEOS="433 99942" with JPL's list (needs a network)
	$(NEO) reconcile --parameters "$(PARAMETERS)"

lab: $(READY) ## Open JupyterLab on the notebooks
	$(NEO) lab

# Start the services without dependencies first, so a port conflict fails at once. Then retry: Compose
# does not wait for a master that is unhealthy until a restarted worker is back.
cluster-up: ## Build and start the Spark cluster of Docker Compose
	$(NEEDS_DOCKER)
	@echo "starting (building the image takes about two minutes the first time) ..."
	@mkdir -p build && docker build $(DOCKER_BUILD_FLAGS) --tag neo-data-recaller . >build/image.log 2>&1 || \
	  { tail -n 20 build/image.log >&2; echo "the image could not be built. See build/image.log" >&2; exit 1; }
	@$(UP) spark-worker-1 spark-worker-2 spark-worker-extra history-server
	@for pause in 10 20 40 0; do \
	  output=$$($(UP) --wait 2>&1) && exit; \
	  case $$output in *unhealthy*) sleep $$pause ;; *) break ;; esac; \
	done; echo "$$output" >&2; echo "the cluster is not healthy. make cluster-logs may show why" >&2; exit 1
	@echo "JupyterLab      http://$$($(COMPOSE) port jupyter 8888)/lab?token=$$($(COMPOSE) exec -T jupyter cat /var/lib/neo/lab/token)"
	@echo "Spark master    http://$$($(COMPOSE) port spark-master 8080)"
	@echo "workers         http://$$($(COMPOSE) port spark-worker-1 8081)  http://$$($(COMPOSE) port spark-worker-2 8082)"
	@echo "a running job   http://$$($(COMPOSE) port jupyter 4040)"
	@echo "past jobs       http://$$($(COMPOSE) port history-server 18080)"
	@echo "run a job       make cluster-run START=1 END=200"

# MASTER and OUTPUT_DIR in .env and the environment apply to this machine, not to the cluster.
cluster-run: PARAMETERS = parameters/cluster.yaml
cluster-run: OUTPUT = $(if $(filter command,$(origin OUTPUT_DIR)),$(OUTPUT_DIR),output)
cluster-run: ## Same as run, on that cluster
	$(NEEDS_DOCKER)
	@[ "$(origin MASTER)" != "command line" ] || { echo "cluster-run sets MASTER itself. Leave it out, or use make run" >&2; exit 2; }
	@[ -n "$$($(COMPOSE) ps --quiet --status running jupyter)" ] || { echo "the cluster is not running. Run make cluster-up" >&2; exit 2; }
	@$(COMPOSE) exec -T jupyter sh -c 'umask 077 && cat > /tmp/.env' < $(or $(wildcard .env),/dev/null)
	@[ -t 0 ] && [ -t 1 ] || no_terminal=-T; $(COMPOSE) exec $$no_terminal $(PASSED:%=--env %) \
	  --env MASTER=spark://spark-master:7077 --env OUTPUT_DIR="$(OUTPUT)" jupyter \
	  sh -c 'trap "rm -f /tmp/.env" EXIT; trap : INT HUP TERM; python -m neo_utils run --parameters "$$1"' sh "$(PARAMETERS)"
	@echo "copy results    $(COMPOSE) cp jupyter:/neo/output/. copy"

cluster-status: ## Show the workers, cores, memory and running applications
	$(NEEDS_DOCKER)
	@$(COMPOSE) exec -T spark-master python -m neo_utils.cluster.health

cluster-logs: ## Show the last lines of the logs
	$(NEEDS_DOCKER)
	@$(COMPOSE) logs --tail 50

cluster-down: ## Stop the cluster; stored data is kept in its volumes
	$(NEEDS_DOCKER)
	@$(COMPOSE) --progress quiet down

local-cluster-up: $(READY) ## Start a Spark master and two workers on this machine, for MASTER=spark://127.0.0.1:7077
	$(NEO) local-cluster-up

local-cluster-down: $(READY) ## Stop that cluster of processes
	$(NEO) local-cluster-down

# Two processes; GROUPS in tests/conftest.py lists the tests that must share one. OUTPUT_DIR does not
# exist, because the notebooks must not show the user's data.
define PYTEST
$(KEEP_NASAS)
rm -rf build/sample build/explored-sample
OUTPUT_DIR=build/nothing $(BIN)/pytest --numprocesses 2 --nbval --nbval-current-env tests $(NOTEBOOKS)
endef

# Without bytecode, each of hundreds of Python processes would compile all packages again.
test test-all bench bench-full bench-cluster bench-set-up scaling: export PYTHONDONTWRITEBYTECODE :=

test: $(TOOLS) ## Run the fast tests and compare the notebooks with their stored outputs (five minutes)
	$(PYTEST) -m 'not live and not slow'

test-all: $(TOOLS) ## Run all tests, including cluster, Docker and browser (half an hour)
	$(PYTEST) -m 'not live and not part'

# A longer traceback shows the arguments of functions, and the key may be among them.
test-live: $(TOOLS) ## Compare one page from NASA with the known format (needs a network and a key)
	@$(BIN)/pytest -q -rN --tb=short --show-capture=no -m live tests/test_live.py

lint: $(TOOLS) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

fuzz: $(TOOLS) ## Decode thousands of damaged pages (minutes)
	$(BIN)/pytest tests/test_fuzz.py --hypothesis-profile=long

mutants: $(TOOLS) ## Change the code on purpose and check that tests fail (half an hour)
	$(SET_UP) mutants
	$(BIN)/python -m tests.mutate_python
	$(BIN)/python -m tests.mutate_sql

bench: $(READY) ## Compare run times with the obvious alternatives (minutes)
	$(BENCH) short

bench-full: $(READY) ## The same with the whole catalogue and ten million approaches (half an hour)
	$(BENCH) full

bench-cluster: $(READY) ## Aggregate the inputs of bench-full on 1, 2 and 4 worker cores of a local cluster (twenty minutes)
	$(BENCH) cluster

bench-set-up: $(READY) ## Time each part of a set-up, from a fresh clone to the first result (ten minutes)
	$(BENCH) set-up

scaling: $(READY) ## Draw docs/scaling.svg: time and memory by amount of data
	$(BIN)/python -m benchmarks.scaling

notebooks: $(READY) ## Run the notebooks with their default parameters and store the outputs
	$(KEEP_NASAS)
	rm -rf build/sample build/explored-sample
	OUTPUT_DIR=build/nothing $(BIN)/jupyter nbconvert --log-level ERROR --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
	  --KernelManager.transport_encryption=auto $(NOTEBOOKS)

docs: $(READY) ## Regenerate docs/reference.md and the figures of README and docs/sample.md
	mkdir -p build && $(BIN)/python -m docs.reference > build/reference.md
	mv build/reference.md docs/reference.md
	$(BIN)/python -m docs.figure > build/approaches-per-year.svg
	mv build/approaches-per-year.svg docs/approaches-per-year.svg
	$(BIN)/python -m docs.sample_figure > build/sample.svg
	mv build/sample.svg docs/sample.svg

COMPILE_ONLY := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header
COMPILE := $(COMPILE_ONLY) --all-extras pyproject.toml

lock: $(READY) ## Update the lock files to the newest versions that pyproject.toml allows
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock -o requirements-dev.lock
	$(COMPILE_ONLY) --group build --constraint requirements-dev.lock -o requirements-build.lock

clean: ## Remove files that can be recreated without a request; fetched data is kept
	$(KEEP_NASAS)
	@! test -e $(READY) || $(BIN)/python -m neo_utils clean --parameters "$(PARAMETERS)"
	@! test -e build || { rm -rf build && echo "removed build, which is for temporary files"; }
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

# A .venv that was moved, or whose Python is missing, is set up again.
IS_USABLE := { read -r made_at < .venv/.ready || :; } && [ "$$made_at" = "$$(cd ./.venv && pwd -P)" ] && [ -x .venv/bin/uv ] && .venv/bin/python -I -c 'import neo_utils'
ifneq ($(wildcard .venv/.ready),)
ifneq ($(shell { $(IS_USABLE); } 2>/dev/null && echo yes),yes)
$(info .venv was moved, or its Python is missing: setting it up again)
$(shell rm -f .venv/.ready .venv/.tools)
endif
endif

SET_UP := @$(PYTHON) -I neo_utils/set_up.py
$(READY): requirements-build.lock requirements.lock
	@$(PYTHON) -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "PYTHON=$(PYTHON) is not Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(SET_UP) run

# Packages that only tests and checks need.
$(TOOLS): $(READY) requirements-dev.lock
	$(SET_UP) tools
