# Every command of the project; people and CI call the same ones. ARGS goes to the program behind a target:
# `make demo ARGS=--script`, `make test ARGS=launcher`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo play test lint fmt bench lines rig model fuzz races outage faults soak doc release packages

ARGS ?=
# What runs the nodes of the demo.
ENGINE ?= process
# The test that compares the generated pages with the program, and writes them when UPDATE is set.
DOC_TEST ?= generated_docs
LINUX := $(shell uname -m)-unknown-linux

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

setup: ## get what the tests need: real etcd servers and search nodes, Java, tools
	@rm -f target/skipped
	scripts/parts all
	cargo fetch --locked

demo: ## form a real search cluster on this machine with a fresh build; ENGINE=docker, ENGINE=podman: in containers
	@$(if $(filter docker podman,$(ENGINE)),scripts/engine run $(ENGINE)) $(MAKE) --no-print-directory play

play:
	@options=$$(scripts/parts demo $(ENGINE)) && set -x && cargo build --release --locked && \
	exec target/release/quorate demo $$options $(ARGS)

test: setup lint ## set up, lint, and run every test against the real parts
	scripts/check tests $(ARGS)
	@scripts/check skipped

lint: ## check formatting, clippy, rustdoc, shell scripts, units
	cargo xfmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --test lines --test rig --test soak -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --lib --document-private-items
	scripts/check shell
	scripts/check units
	scripts/check words

fmt: ## format the Rust code
	cargo xfmt

bench: ## measure the static executable against real parts, ten minutes; ARGS='--only death', BENCH=scale: a part of it
	@vars=$$(scripts/parts bench) && $(MAKE) --no-print-directory release && set -x && \
	env $$vars QUORATE_TEST_PROGRAM="$$PWD/$$(ls -t target/dist/quorate-$(LINUX)-*[a-z] | head -n 1)" \
	cargo bench --locked $(if $(BENCH)$(ARGS),--bench $(or $(BENCH),measured)) -- $(ARGS)

lines: ## run every line of both products on real nodes, and write docs/compatibility.md; ARGS=CELL: some of it
	@vars=$$(scripts/parts lines) && set -x && env $$vars cargo test --locked --test lines -- $(ARGS)

rig: ## play every scenario on whole hosts with real systemd; ARGS='power-cut reboot': some of them
	@vars=$$(scripts/parts rig) && set -x && env $$vars cargo test --locked --test rig -- $(ARGS)

model: ## tell many more schedules of the formation and of the sidecar; TIMES=100: a hundred times those of `make test`
	QUORATE_TEST_SCHEDULES=$(or $(TIMES),10) cargo test --locked --test it _model:: $(ARGS)

fuzz: ## damage real samples of what comes from outside for longer; TIME=600: each kind for ten minutes
	QUORATE_TEST_FUZZ=$(or $(TIME),60) cargo test --locked --lib damaged -- --nocapture $(ARGS)

outage: ## ten minutes without etcd while documents are written, then a whole cluster down in every order; LINE=opensearch-3 AWAY=60
	@vars=$$(scripts/parts all) && set -x && env $$vars QUORATE_TEST_OUTAGE_LINE=$(or $(LINE),elasticsearch-9) \
	QUORATE_TEST_OUTAGE_SECONDS=$(or $(AWAY),600) \
	cargo test --locked --test it outage::a_full_outage -- --nocapture $(ARGS)

races: ## run twenty races of real nodes that are killed on the way; TIMES=5: five
	@vars=$$(scripts/parts all) && set -x && env $$vars QUORATE_TEST_RACES=$(or $(TIMES),20) cargo test --locked --test it node_races $(ARGS)

faults: ## bring about a hundred random sequences of faults on real etcds, and twenty on real nodes; TIMES=20 NODES=2: fewer
	@vars=$$(scripts/parts all) && set -x && env $$vars QUORATE_TEST_FAULTS=$(or $(TIMES),100) \
	QUORATE_TEST_NODE_FAULTS=$(or $(NODES),20) \
	cargo test --locked --test it -- faults::sequences --nocapture --test-threads=1 $(ARGS)

soak: ## ten minutes of a node under full load with its sidecar, then freezes; LINE=elasticsearch-9, MINUTES=60
	@vars=$$(scripts/parts all) && set -x && env $$vars cargo test --locked --test soak -- $(or $(LINE),elasticsearch-6) $(or $(MINUTES),10)

doc: ## write the generated pages again
	UPDATE=1 cargo test --locked --test it $(DOC_TEST)

release: ## build the static executable, its list of parts and the checksums into target/dist; VERIFY=1: twice, and compare
	scripts/release $(if $(VERIFY),verify,build)

packages: release ## make the .deb, the .rpm and the .tar.gz of it, beside it
	scripts/package
	@scripts/release sums
