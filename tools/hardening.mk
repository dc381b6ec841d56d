# make hardening: the long forms of what `make test` does in short. Hours, if they are given.

.PHONY: hardening hardening-fuzz hardening-hostile hardening-tsan
# For each fuzz target.
FUZZ_SECONDS   ?= 60
FUZZ_TARGETS   ?= decode session record uri websocket http
# How many times as often as in `make test`.
HOSTILE_ROUNDS ?= 20
# Clients that come and go under valgrind.
CHURN          ?= 5000
# MQTTAsync_destroy and disconnect from every state and callback, under valgrind too.
ENDS           ?= 10000

hardening: ## fuzzers, careless callers and sanitizers at length (FUZZ_SECONDS, HOSTILE_ROUNDS, CHURN, ENDS)
	@set -e; for phase in fuzz hostile tsan; do echo "== $$phase"; $(MAKE) --no-print-directory hardening-$$phase; done

# A corpus of its own grows beside the committed seeds.
hardening-fuzz:
	@$(CARGO) +nightly --version >/dev/null 2>&1 || { echo 'no nightly compiler: rustup toolchain install nightly' >&2; exit 1; }
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo 'no cargo-fuzz: cargo install cargo-fuzz' >&2; exit 1; }
	@set -e; for target in $(FUZZ_TARGETS); do \
	    echo "-- $$target"; mkdir -p fuzz/corpus/$$target; \
	    $(CARGO) +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	        -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0; \
	done

hardening-hostile: all
	HOSTILE_ROUNDS=$(HOSTILE_ROUNDS) PAHO_OXIDE_CHURN=$(CHURN) PAHO_OXIDE_ENDS=$(ENDS) \
	    $(CARGO) test --locked $(CARGO_FLAGS) --no-fail-fast --test hostile --test stress --test store_faults

# The stress and process programs on a library whose every access is watched, Rust's standard library included.
TSAN := $(BUILD)/tsan
hardening-tsan: | $(BUILD)/tools-checked
	tools/tsan.sh $(TSAN)/engine.a $(CARGO_FLAGS)
	tests/tsan.sh $(TSAN)
