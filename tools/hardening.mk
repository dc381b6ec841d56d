# make hardening: the long forms of what `make test` does in short. Hours, if they are given.

.PHONY: hardening hardening-deny hardening-msrv hardening-reproducible hardening-models hardening-fuzz hardening-hostile hardening-tsan
# For each fuzz target.
FUZZ_SECONDS   ?= 60
FUZZ_TARGETS   ?= $(sort $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))))
# How many times as often as in `make test`.
HOSTILE_ROUNDS ?= 20
# Clients that come and go under valgrind.
CHURN          ?= 5000
# MQTTAsync_destroy and disconnect from every state and callback, under valgrind too.
ENDS           ?= 10000

hardening: ## fuzzers, careless callers and sanitizers at length (FUZZ_SECONDS, HOSTILE_ROUNDS, CHURN, ENDS)
	@set -e; for phase in deny msrv reproducible models fuzz hostile tsan; do echo "== $$phase"; $(MAKE) --no-print-directory hardening-$$phase; done

hardening-deny:
	tools/deny.sh advisories

# The oldest compiler that Cargo.toml promises. A directory of its own: the two would undo each other's work.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
hardening-msrv:
	@$(CARGO) +$(MSRV) --version >/dev/null 2>&1 || { echo 'no such compiler: rustup toolchain install $(MSRV)' >&2; exit 1; }
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/msrv $(CARGO) +$(MSRV) check --locked $(CARGO_FLAGS) --lib
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/msrv $(CARGO) +$(MSRV) check --locked $(CARGO_FLAGS) --lib --no-default-features

hardening-reproducible: libs
	tools/reproducible.sh $(OUTPUT) CARGO_FLAGS='$(CARGO_FLAGS)'

# Schedules of the reactor's threads, one by one. A directory of its own, as its profile is another.
hardening-models:
	CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/models $(CARGO) test --locked $(CARGO_FLAGS) --release --manifest-path models/Cargo.toml

# Code without a line of `unsafe` needs no address sanitizer, and the session's tests are numbers, not texts that a fuzzer
# could not guess: so it is many times as fast. Its inputs are calls; in 512 bytes there are some 150.
FUZZ_BUILD_session := --sanitizer none --no-trace-compares
FUZZ_RUN_session   := -max_len=512
# Operations on files, which cost more than what is compared.
FUZZ_BUILD_journal := --sanitizer none --no-trace-compares
FUZZ_RUN_journal   := -max_len=180
FUZZ_BUILD_journal_file := --sanitizer none
# Their code has no `unsafe` either.
FUZZ_BUILD_events  := --sanitizer none
FUZZ_RUN_events    := -max_len=1024
FUZZ_BUILD_http    := --sanitizer none
FUZZ_RUN_http      := -max_len=1024
FUZZ_BUILD_record  := --sanitizer none
FUZZ_BUILD_websocket := --sanitizer none
fuzz_target         = $(CARGO) +nightly fuzz run $(FUZZ_BUILD_$(1)) $(1) fuzz/corpus/$(1) fuzz/seeds/$(1) -- \
	$(FUZZ_RUN_$(1)) -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0

# A corpus of its own grows beside the committed seeds.
hardening-fuzz: $(FUZZ_TARGETS:%=hardening-fuzz-%)
hardening-fuzz-%:
	@$(CARGO) +nightly --version >/dev/null 2>&1 || { echo 'no nightly compiler: rustup toolchain install nightly' >&2; exit 1; }
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo 'no cargo-fuzz: cargo install cargo-fuzz' >&2; exit 1; }
	@mkdir -p fuzz/corpus/$*
	$(call fuzz_target,$*)

hardening-hostile: all
	HOSTILE_ROUNDS=$(HOSTILE_ROUNDS) PAHO_OXIDE_CHURN=$(CHURN) PAHO_OXIDE_ENDS=$(ENDS) \
	    $(CARGO) test --locked $(CARGO_FLAGS) --no-fail-fast --test hostile --test faults --test stress --test store_faults

# The stress and process programs on a library whose every access is watched, Rust's standard library included.
TSAN := $(BUILD)/tsan
hardening-tsan: | $(BUILD)/tools-checked
	tools/tsan.sh $(TSAN)/engine.a $(CARGO_FLAGS)
	tests/tsan.sh $(TSAN)
