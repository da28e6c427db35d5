# `make run` and `make test` do everything, from set-up on; `make help` lists the rest.

SHELL := bash
export PATH := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roost/tools/bin:$(PATH)
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

.PHONY: run
run: ## build the suite and run it on this machine; options: make run ARGS="--state DIR --offset N --fresh"
	@scripts/setup build
	cargo build --release --locked --workspace --bins
	@exec $(TARGET)/release/roostctl dev $(ARGS)

.PHONY: test
test: ## every test: unit, protocol transcripts, whole system with foreign clients
	@scripts/setup test
	cargo build --locked --workspace --bins
	cargo nextest run --locked --workspace $(ARGS)
	ROOST_TEST_STRAIGHT=1 cargo nextest run --locked --workspace \
		-E 'binary(system) and test(/^(synchronisation|delivery|refusal)/)'

CUT = cargo run --quiet --locked -p roost-tests --example cut --
.PHONY: kill
kill: ## SIGKILL to store and mta under load, then every acknowledgement is checked; ROUNDS=200 SEED=N
	@scripts/setup build
	cargo build --locked --workspace --bins
	$(CUT) kill $(or $(ROUNDS),200) $(SEED)

.PHONY: power-cut
power-cut: ## the same with power cuts on ext4 (root, loop device, FUSE); ROUNDS=100 SEED=N
	@scripts/setup fault
	cargo build --locked --workspace --bins
	$(CUT) power $(or $(ROUNDS),100) $(SEED)

.PHONY: disk-errors
disk-errors: ## the same with writes and flushes that fail, then with every single call that fails; ROUNDS=10
	@scripts/setup fault
	cargo build --locked --workspace --bins
	$(CUT) disk $(or $(ROUNDS),10) $(SEED)
	$(CUT) calls 1 $(SEED)

.PHONY: fuzz
SECONDS := $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)
fuzz: ## every parser under libFuzzer, SECONDS=60 each; ARGS: names of targets, --jobs N
	@scripts/fuzz --seconds $(SECONDS) $(ARGS)

.PHONY: lint
lint: ## format, clippy, licences and banned crates
	@scripts/setup test
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny --log-level error check licenses bans sources

.PHONY: bench-delivery bench-memory bench-proxy bench-logger
bench-delivery: ## speed of delivery beside Dovecot and Postfix; options: ARGS="--only lmtp --runs 5 --dir DIR"
bench-memory: ## private memory beside Dovecot, idle and with sessions in IDLE; options: ARGS="--sessions 1000"
bench-proxy: ## the proxy beside nginx: logins, large messages, idle sessions; options: ARGS="--sessions 2000 --runs 3"
bench-logger: ## the logger beside rsyslog: lines a second, bytes on the disk, trace; options: ARGS="--lines 10000000"
bench-delivery bench-memory bench-proxy bench-logger: bench-%:
	@scripts/setup bench
	cargo build --release --locked --workspace --bins
	@exec $(TARGET)/release/roost-bench $* $(ARGS)

# What is released; PROFILE=quick makes what only tests see, in a third of the time, in a folder of its own.
PROFILE ?= release
APPLIANCE = $(TARGET)/appliance$(if $(filter-out release,$(PROFILE)),-$(PROFILE))
PROGRAMS = $(TARGET)/x86_64-unknown-linux-gnu/$(PROFILE)
DEBS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roost/debs
IMAGE = $(TARGET)/debug/roost-image --out $(APPLIANCE)

.PHONY: packages
packages: ## .deb and .rpm of everything, and signed repositories for apt and dnf
	@scripts/setup image
	cargo build --locked -p roost-image
	$(IMAGE) package --profile $(PROFILE)
	$(IMAGE) repo

.PHONY: appliance
appliance: packages ## the appliance: OVA and qcow2, with checksums and a list of what is inside
	$(IMAGE) build --cache $(DEBS)

.PHONY: vm-test
vm-test: PROFILE = quick
vm-test: appliance ## boot the appliance in virtual machines: the short set; make vm-test-full: all
	@scripts/setup vm
	cargo build --locked -p roost-vm-tests
	$(IMAGE)/next package --only deb --revision 2 --binaries $(PROGRAMS)
	$(TARGET)/debug/roost-vm-tests --appliance $(APPLIANCE) --next $(APPLIANCE)/next/packages $(ARGS)

.PHONY: vm-test-full
vm-test-full: ## every machine test, on the release
	$(MAKE) vm-test PROFILE=release ARGS="--full $(ARGS)"

ADVICE := indexing_slicing too_many_lines cast_possible_truncation cast_possible_wrap cast_sign_loss \
	manual_let_else needless_pass_by_value large_futures fn_params_excessive_bools \
	struct_excessive_bools map_err_ignore match_wildcard_for_single_variants \
	semicolon_if_nothing_returned error_impl_error allow_attributes_without_reason

.PHONY: advice
advice: ## lints worth reading that do not gate
	cargo clippy --workspace -- $(foreach lint,$(ADVICE),-W clippy::$(lint))

.PHONY: crash
crash: ## a fault at every call on the disk of every operation, and the laws after it; SEED=N ROUNDS=N ONLY=TEXT
	@scripts/setup build
	cargo run --locked -q -p roost-crash --example crash

.PHONY: bench-recovery
bench-recovery: ## how fast a store that was killed with 100,000 messages since its checkpoint answers again
	@scripts/setup build
	cargo run --locked -q --release -p roost-mailbox --example recover
