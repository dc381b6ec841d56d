# make bench: this library against its peers.

# A set or scenarios (see benches/README.md), how often, and further libraries to compare with.
export BENCH BENCH_RUNS BENCH_PEERS BENCH_DOCS

.PHONY: bench bench-programs bench-rust instructions
BENCHES      := $(BUILD)/bench
BENCH_CFLAGS := -O2 -g -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Ibenches/c -Iinclude
BENCH_COMMON := benches/c/bench.c benches/c/bench.h
# MQTT without a library.
BENCH_BARE   := benches/c/bare.c benches/c/bare.h
# Without its header the programs for libmosquitto are left out.
BENCH_PEER   := $(shell $(CC) -E -include mosquitto.h -x c /dev/null >/dev/null 2>&1 && echo mosq)
BENCH_LINK    = $(CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

bench: ## compare with the installed Paho C and libmosquitto (BENCH=full: everything; BENCH=name: one scenario)
	@tools/deps.sh ensure bench
	@$(MAKE) --no-print-directory libs bench-programs
	@$(CARGO) run -q --profile tools --locked $(CARGO_FLAGS) -p paho-bench -- $(BENCHES) $(OUTPUT)

bench-programs: $(addprefix $(BENCHES)/,sink async client oxide raw load $(BENCH_PEER))

# No run path: which library it is, the environment says.
$(BENCHES)/async: $(wildcard benches/c/async*.[ch]) $(BENCH_COMMON) $(HEADERS) | $(OUTPUT)/libpaho-mqtt3as.so
	@mkdir -p $(@D)
	$(BENCH_LINK) -L$(OUTPUT) -lpaho-mqtt3as -pthread
$(BENCHES)/client: benches/c/client.c $(BENCH_COMMON) $(HEADERS) | $(OUTPUT)/libpaho-mqtt3cs.so
	@mkdir -p $(@D)
	$(BENCH_LINK) -L$(OUTPUT) -lpaho-mqtt3cs -pthread
$(BENCHES)/oxide: $(wildcard benches/c/oxide*.[ch]) $(BENCH_BARE) $(BENCH_COMMON) $(HEADERS) | $(OUTPUT)/libpaho-oxide.so
	@mkdir -p $(@D)
	$(BENCH_LINK) -L$(OUTPUT) -lpaho-oxide -pthread
$(BENCHES)/sink: $(wildcard benches/sink/*.[ch]) $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(BENCH_LINK) -Ibenches/sink -lssl -lcrypto -pthread
$(BENCHES)/mosq: benches/c/mosq.c $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(BENCH_LINK) -lmosquitto -pthread
$(BENCHES)/raw: $(BENCH_BARE)
$(BENCHES)/raw $(BENCHES)/load: $(BENCHES)/%: benches/c/%.c $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(BENCH_LINK) -ldl -pthread

instructions: ## count the instructions of a message, and compare with the libraries in BASE=directory
	@tools/deps.sh ensure bench
	@$(MAKE) --no-print-directory libs bench-programs
	@tools/instructions.sh $(BENCHES) $(OUTPUT) $(BASE)

bench-rust: ## codec, session and store on their own (criterion)
	$(CARGO) bench --locked $(CARGO_FLAGS)
