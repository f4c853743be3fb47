# AlphaTrade. `make help` lists the targets; each makes its own environment the first time.
#
# Needs python3 (3.11 or newer), make and the package registry that pip is set up for, nothing else.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest
CLUSTER := PYTHONPATH=tests $(PYTHON) -m cluster

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: help
help: ## Say what can be made
	@echo "AlphaTrade: make TARGET"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "First time here: make run-sim. It installs what it needs into $(VENV)/ and trades a simulated market."
	@echo "Settings: PYTHON=python3.12 picks the Python, VENV=folder the environment, ARGS=... goes to pytest or run-sim."

# The environment comes in two sizes; each is a no-op when its stamp fits the lock.
.PHONY: venv-runtime venv-dev
venv-runtime:
	@$(PYTHON) build_support/bootstrap.py runtime --venv $(VENV)
venv-dev:
	@$(PYTHON) build_support/bootstrap.py dev --venv $(VENV)

.PHONY: run-sim
run-sim: venv-runtime ## Replay a simulated market and 20 years of real daily prices; print digests and the report
	@$(RUN) -m alphatrade_runtime.cli.run_sim $(ARGS)

.PHONY: run-paper
run-paper: venv-runtime ## Trade on paper: on a cluster with the operator if there is one, else in one process
	@$(RUN) -m alphatrade_runtime.cli.run_paper $(ARGS)

.PHONY: replay-capture
replay-capture: ## Import a recorded market and replay it: make replay-capture CAPTURE=file.gz
	@test -n "$(CAPTURE)" || { echo "replay-capture: say which file: make replay-capture CAPTURE=path/to/capture.gz" >&2; exit 2; }
	@$(PYTHON) build_support/bootstrap.py runtime --venv $(VENV)
	@$(RUN) -m alphatrade_runtime.cli.replay_capture "$(CAPTURE)" $(ARGS)

.PHONY: study-heartbeat
study-heartbeat: venv-dev ## Run half an hour by the wall clock: make study-heartbeat CAPTURE=file.gz (resumable)
	@test -n "$(CAPTURE)" || { echo "study-heartbeat: say which file: make study-heartbeat CAPTURE=path/to/capture.gz" >&2; exit 2; }
	@$(RUN) tests/studies/heartbeat.py --capture "$(CAPTURE)" $(ARGS)

.PHONY: study-watch-cut
study-watch-cut: venv-dev ## Cut every watch each 5 s for 5 min on the test cluster
	@$(CLUSTER) around -- $(RUN) tests/studies/watch_cut.py $(ARGS)

.PHONY: study-flood
study-flood: venv-dev ## Flood the operator by one tenant while another engages kill switches (resumable; half an hour)
	@$(CLUSTER) around -- $(RUN) tests/studies/flood.py $(ARGS)

.PHONY: study-drift
study-drift: venv-dev ## Measure false alerts and delays of the drift detectors, some minutes (resumable)
	@$(RUN) tests/studies/drift.py $(ARGS)

.PHONY: ablation
ablation: venv-dev ## Measure what each part of the understanding loop earns, against the loop without it (resumable)
	@$(RUN) tests/studies/ablation.py $(ARGS)

.PHONY: lint
lint: venv-dev ## Check style, types, layers between packages, wire compatibility, and that generated text is current
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) build_support/annotations.py
	@$(VENV)/bin/lint-imports --no-cache --no-logo
	@$(RUN) build_support/protos.py --lint
	@$(RUN) build_support/generate.py --check

.PHONY: format
format: venv-dev ## Rewrite the sources in the house style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

.PHONY: test
test: test-unit ## Run every test; brings up a Kubernetes cluster unless one is up, and takes down what it brought up
	@$(CLUSTER) around -- $(MAKE) --no-print-directory test-api test-e2e

.PHONY: test-unit
test-unit: venv-dev ## Run the pure, fast tests
	@$(PYTEST) tests/unit $(ARGS)

.PHONY: test-api
test-api: venv-dev ## Run the tests against a Kubernetes API server
	@$(CLUSTER) around -- $(PYTEST) tests/api $(ARGS)

.PHONY: test-e2e
test-e2e: venv-dev ## Run the stories of whole processes and of a real cluster: kills, restarts, wall clock, pods
	@$(CLUSTER) around -- $(PYTEST) tests/e2e $(ARGS)

# KUBECONFIG_TEST=file names a cluster to use; else kind where Docker works; else one node on this machine itself.
.PHONY: cluster-build
cluster-build: ## Build what a cluster on this machine is made of, without starting it (minutes the first time)
	@$(CLUSTER) build

.PHONY: cluster-up
cluster-up: ## Start the test cluster, unless it runs; print its kubeconfig
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Remove the test cluster; binaries and images are kept outside the repository for the next start
	@$(CLUSTER) down

.PHONY: cluster-status
cluster-status: ## Say which cluster the tests get, and what runs in it
	@$(CLUSTER) status

.PHONY: image
image: ## Build the container image, unless its inputs are unchanged, and load it into the test cluster
	@$(CLUSTER) image

.PHONY: image-reproducible
image-reproducible: ## Build the image once more, from nothing, and compare every file
	@$(CLUSTER) reproducible

.PHONY: bench
bench: venv-dev ## Measure against peers, each installed into an environment of its own; write JSON and a table
	@$(RUN) tests/bench/run.py $(ARGS)

.PHONY: generate
generate: venv-dev ## Write stubs of protos/, crds/ and the chart's copy, and the generated parts of the pages
	@$(RUN) build_support/generate.py

.PHONY: generate-check
generate-check: venv-dev ## Fail when `make generate` would change a file
	@$(RUN) build_support/generate.py --check

.PHONY: lock
lock: venv-dev ## Resolve the dependencies of pyproject.toml anew into requirements/*.lock, with hashes
	@$(RUN) build_support/lock.py --upgrade

.PHONY: clean
clean: ## Remove the environment and all caches; runs under artifacts/ stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
