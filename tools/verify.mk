# make demo, test, check, deps: everything that looks at the result.

.PHONY: deps demo test torture check test-rust test-samples rust-crate
# The programs and libraries under test: always those which this tree built.
export PAHO_OXIDE_OUTPUT ?= $(CURDIR)/$(OUTPUT)

deps: ## install what building and testing need (Debian, Ubuntu), or name it
	tools/deps.sh ensure test lint

# auto: mosquitto where it is installed; embedded: the broker in tools/demo-broker.
DEMO_BROKER ?= auto

demo: ## build, run the samples against a broker of its own, and show what travelled
	@tools/deps.sh ensure build
	@$(MAKE) --no-print-directory all
	@$(CARGO) run -q --profile tools --locked $(CARGO_FLAGS) -p paho-demo -- --broker $(DEMO_BROKER) $(OUTPUT)

# One target a phase: a new one goes into this list.
TEST_PHASES := test-rust test-samples test-python test-go

test: ## build everything and run every test
	@tools/deps.sh ensure test
	@$(MAKE) --no-print-directory all
	@set -e; for phase in $(TEST_PHASES); do echo "== $$phase"; $(MAKE) --no-print-directory $$phase; done

test-rust:
	$(CARGO) test --locked $(CARGO_FLAGS) --no-fail-fast --workspace --exclude paho-demo --exclude paho-demo-broker
	$(CARGO) test --locked $(CARGO_FLAGS) --profile tools -p paho-demo -p paho-demo-broker
	$(CARGO) test --locked $(CARGO_FLAGS) --lib --no-default-features

SAMPLE_GROUPS ?= simple tools options errors reconnect tls ws proxy oxide

test-samples:
	tests/samples.sh $(OUTPUT) $(SAMPLE_GROUPS)

rust-crate: libs ## the Rust crate paho-mqtt links with the libraries of both kinds and passes its tests
	tools/rust-crate.sh $(OUTPUT) $(BUILD)/rust-crate

# Each of the two directions (MQTT 5 publisher and 3.1.1 subscriber, and the reverse) gets as much.
TORTURE_KILLS    ?= 220
TORTURE_MESSAGES ?= 110000

torture: ## kill a publisher, a subscriber and restart the broker some hundred times, and count what is missing
	@tools/deps.sh ensure test
	@$(MAKE) --no-print-directory libs
	PAHO_OXIDE_TORTURE_KILLS=$(TORTURE_KILLS) PAHO_OXIDE_TORTURE_MESSAGES=$(TORTURE_MESSAGES) \
		$(CARGO) test --locked $(CARGO_FLAGS) --test reliability crash:: -- --nocapture

check: ## formatting, lints, documentation, headers as generated, licences
	@tools/deps.sh ensure lint
	tools/deny.sh
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked $(CARGO_FLAGS) --all-targets --no-default-features -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' $(CARGO) doc --locked $(CARGO_FLAGS) --no-deps --document-private-items
	$(CARGO) run -q --locked $(CARGO_FLAGS) -p paho-headers -- --check
