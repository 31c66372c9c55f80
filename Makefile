# kanzleisync: `make demo` shows it, `make test` proves it. Everything runs on private servers on free ports and
# leaves nothing running.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# What is built is what Cargo.lock says.
LOCKED := --locked
# KEEP=1 leaves the demo running, with its addresses printed, until Ctrl-C.
DEMO_ARGS := $(if $(filter-out 0,$(KEEP)),--keep)
# For instance "queue --peers", or "--markdown docs/benchmarks.md" to keep the result.
BENCH_ARGS ?=
# Optimised programs are linked slowly: only those that are measured, or measure.
MEASURED := $(foreach bin,producer worker simulator bench bench-queue-worker,--bin kanzleisync-$(bin))

# For instance "--only kill": planner, kill, race, calendar-kill or calendar-race.
SWEEP_ARGS ?=

# MINUTES=n and SEED=n are those of the soak.
SOAK_ARGS := $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

# SEEDS=n plays that many random stories, SEED=n one of them; ONLY=calendar or ONLY=beteiligte.
CONVERGE_ARGS := $(if $(ONLY),--only $(ONLY) )$(if $(SEED),--seed $(SEED),$(if $(SEEDS),--seeds $(SEEDS)))

.PHONY: help setup demo test bench audit sweep soak converge espocrm-extension monitoring deployment fmt lint build google-client

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 27

setup: ## installs the servers that are missing (apt; root or sudo), starts none
	@bash scripts/setup.sh

demo: setup build ## syncs a generated law firm and shows what was done; KEEP=1 leaves it running
	@$(CARGO) run --quiet $(LOCKED) -p kanzleisync-tests --bin kanzleisync-demo -- $(DEMO_ARGS)

test: setup google-client lint monitoring deployment espocrm-extension build ## format, lints, checks and every test: what CI runs
	@CARGO=$(CARGO) bash scripts/test.sh

bench: setup ## the benchmarks, optimised build, beside other queues where they can be installed
	@bash scripts/setup-peers.sh
	@$(CARGO) build $(LOCKED) --release $(MEASURED)
	@$(CARGO) run --quiet $(LOCKED) --release -p kanzleisync-tests --bin kanzleisync-bench -- $(BENCH_ARGS)

audit: ## licences, sources, banned crates and known vulnerabilities (cargo-deny)
	@CARGO=$(CARGO) bash scripts/audit.sh

sweep: setup ## the long exhaustive checks: every state of the planner, kill -9 and users' edits at every point of a run
	@$(CARGO) build $(LOCKED) --release --bin kanzleisync-worker --bin kanzleisync-sweep
	@$(CARGO) run --quiet $(LOCKED) --release -p kanzleisync-tests --bin kanzleisync-sweep -- $(SWEEP_ARGS)

soak: setup ## load on the queue with random faults, MINUTES=10; nothing lost, memory level
	@$(CARGO) build $(LOCKED) --release -p kanzleisync-tests --bin kanzleisync-ledger-worker
	@$(CARGO) run --quiet $(LOCKED) --release -p kanzleisync-tests --bin kanzleisync-soak -- $(SOAK_ARGS)

converge: setup ## random stories of users, faults and crashes, SEEDS=1000; both sides agree, nothing is lost
	@$(CARGO) run --quiet $(LOCKED) --release -p kanzleisync-tests --bin kanzleisync-converge -- $(CONVERGE_ARGS)

espocrm-extension: ## checks the EspoCRM extension and packs it: target/espocrm-extension/kanzleisync-<version>.zip
	@bash scripts/espocrm-extension.sh
	@bash scripts/check-espocrm-extension.sh

monitoring: ## alerts with their tests, dashboards, and that they ask for nothing that is not emitted (promtool)
	@bash scripts/check-monitoring.sh

deployment: ## checks compose.yaml, the Dockerfile, the systemd units and the Kubernetes manifests, with their tools where they are installed
	@bash scripts/check-deployment.sh

fmt: ## formats the sources
	@$(CARGO) fmt --all

lint: ## format and lints, without changing anything
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

# The suite drives the simulator with it.
google-client: setup
	@bash scripts/setup-google-client.sh

# Cargo builds the programs of other packages only when asked to; suite and demo start them as processes.
build:
	@$(CARGO) build $(LOCKED) --workspace --bins
