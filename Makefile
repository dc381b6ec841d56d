# paho-oxide: `make` builds the libraries and the samples into build/output/. `make help` lists the targets.

# The release of Paho C whose interface this is. Programs look for the soname; the full number names the file.
ABI_VERSION := 1.3.15
ABI_MAJOR   := 1

CC      ?= cc
OBJCOPY ?= objcopy
INSTALL ?= install
# rustup's cargo is found also where a root shell or an editor has no ~/.cargo/bin in its PATH.
CARGO   ?= $(or $(shell command -v cargo),$(wildcard $(HOME)/.cargo/bin/cargo),cargo)
CFLAGS  ?= -O2 -g -Wall -Wextra
# Added to every cargo command: `make CARGO_FLAGS=--offline`, say.
CARGO_FLAGS ?=

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR    ?=

BUILD   := build
OUTPUT  := $(BUILD)/output
# Exported, so that every cargo started from here agrees on it.
export CARGO_TARGET_DIR ?= target
export CARGO CC

# ---- the libraries -----------------------------------------------------------------------------------------------------
# Four names, two engines: a and c are made from the one without TLS, as and cs from the one with it.
LIBS        := a as c cs
ENGINE_a    := plain
ENGINE_c    := plain
ENGINE_as   := tls
ENGINE_cs   := tls
# Our own API has its own version.
OXIDE_LIBS       := oxide oxide-tls
ENGINE_oxide     := plain
ENGINE_oxide-tls := tls
OXIDE_VERSION    := 0.1.0
OXIDE_MAJOR      := 0
OXIDE_FILES      := $(OXIDE_LIBS:%=$(OUTPUT)/libpaho-%.so) $(OXIDE_LIBS:%=$(OUTPUT)/libpaho-%.a)
# What each library exports, as maps for the linker.
EXPORTS     := tools/exports
SHARED      := $(LIBS:%=$(OUTPUT)/libpaho-mqtt3%.so)
STATIC      := $(LIBS:%=$(OUTPUT)/libpaho-mqtt3%.a)
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock $(wildcard build.rs .cargo/config.toml)

# ---- the samples -------------------------------------------------------------------------------------------------------
# Which library each one is linked with. MQTTVersion opens the libraries at run time instead.
SAMPLES_c   := MQTTClient_publish MQTTClient_publish_async MQTTClient_subscribe oxide_manual_ack
SAMPLES_a   := MQTTAsync_publish MQTTAsync_publish_time MQTTAsync_subscribe oxide_routes
SAMPLES_as  := paho_c_pub paho_c_sub
SAMPLES_cs  := paho_cs_pub paho_cs_sub
SAMPLES_dl  := MQTTVersion
SAMPLES_oxide := oxide_auth oxide_feed oxide_gateway oxide_poll
# What the four paho_* tools share.
PUBSUB      := $(patsubst c-examples/%.c,$(BUILD)/%.o,$(wildcard c-examples/pubsub_*.c))
SAMPLES     := $(SAMPLES_oxide) $(SAMPLES_c) $(SAMPLES_a) $(SAMPLES_as) $(SAMPLES_cs) $(SAMPLES_dl)

.PHONY: all libs samples clean help
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

all: libs samples
libs: $(SHARED) $(STATIC) $(OXIDE_FILES)
samples: $(SAMPLES:%=$(OUTPUT)/%)

# Checked once: what is missing is named with its remedy before any compiler runs.
$(BUILD)/tools-checked: tools/deps.sh Cargo.toml
	@tools/deps.sh check build
	@mkdir -p $(@D) && touch $@

# The engine: the crate as a static library, once per feature set. Both builds write the same file name into cargo's
# directory, hence the copies and, under `make -j`, the second build waiting for the first.
$(BUILD)/engine/plain.a $(BUILD)/engine/tls.a: $(BUILD)/engine/%.a: $(RUST_SOURCES) tools/engine.sh | $(BUILD)/tools-checked
	tools/engine.sh $* $@ $(CARGO_FLAGS)
$(BUILD)/engine/plain.a: | $(BUILD)/engine/tls.a

# $(1): a, as, c or cs.
define LIBRARY_RULES
$(OUTPUT)/libpaho-mqtt3$(1).so.$(ABI_VERSION): $(BUILD)/engine/$(ENGINE_$(1)).a $(EXPORTS)/libpaho-mqtt3$(1).map tools/link.sh
	tools/link.sh shared libpaho-mqtt3$(1).so.$(ABI_MAJOR) $(EXPORTS)/libpaho-mqtt3$(1).map $$< $$@

$(OUTPUT)/libpaho-mqtt3$(1).so.$(ABI_MAJOR): $(OUTPUT)/libpaho-mqtt3$(1).so.$(ABI_VERSION)
	ln -sf $$(<F) $$@

$(OUTPUT)/libpaho-mqtt3$(1).so: $(OUTPUT)/libpaho-mqtt3$(1).so.$(ABI_MAJOR)
	ln -sf $$(<F) $$@

$(OUTPUT)/libpaho-mqtt3$(1).a: $(BUILD)/engine/$(ENGINE_$(1)).a $(EXPORTS)/libpaho-mqtt3$(1).map tools/link.sh
	tools/link.sh static libpaho-mqtt3$(1).o $(EXPORTS)/libpaho-mqtt3$(1).map $$< $$@
endef
$(foreach lib,$(LIBS),$(eval $(call LIBRARY_RULES,$(lib))))

# Our own API, from the same engines: $(1) is oxide or oxide-tls.
define OXIDE_RULES
$(OUTPUT)/libpaho-$(1).so.$(OXIDE_VERSION): $(BUILD)/engine/$(ENGINE_$(1)).a $(EXPORTS)/libpaho-$(1).map tools/link.sh
	tools/link.sh shared libpaho-$(1).so.$(OXIDE_MAJOR) $(EXPORTS)/libpaho-$(1).map $$< $$@

$(OUTPUT)/libpaho-$(1).so.$(OXIDE_MAJOR): $(OUTPUT)/libpaho-$(1).so.$(OXIDE_VERSION)
	ln -sf $$(<F) $$@

$(OUTPUT)/libpaho-$(1).so: $(OUTPUT)/libpaho-$(1).so.$(OXIDE_MAJOR)
	ln -sf $$(<F) $$@

$(OUTPUT)/libpaho-$(1).a: $(BUILD)/engine/$(ENGINE_$(1)).a $(EXPORTS)/libpaho-$(1).map tools/link.sh
	tools/link.sh static libpaho-$(1).o $(EXPORTS)/libpaho-$(1).map $$< $$@
endef
$(foreach lib,$(OXIDE_LIBS),$(eval $(call OXIDE_RULES,$(lib))))

# Each sample finds the libraries beside itself, wherever the directory goes.
HEADERS := $(wildcard include/*.h)
LINK_SAMPLE = $(CC) $(CFLAGS) -Iinclude -o $@ $(filter %.c %.o,$^) $(LDFLAGS) -pthread -Wl,-rpath,'$$ORIGIN'

$(SAMPLES_c:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(HEADERS) | $(OUTPUT)/libpaho-mqtt3c.so
	$(LINK_SAMPLE) -L$(OUTPUT) -lpaho-mqtt3c
$(SAMPLES_a:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(HEADERS) | $(OUTPUT)/libpaho-mqtt3a.so
	$(LINK_SAMPLE) -L$(OUTPUT) -lpaho-mqtt3a
$(SAMPLES_as:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(PUBSUB) $(HEADERS) | $(OUTPUT)/libpaho-mqtt3as.so
	$(LINK_SAMPLE) -L$(OUTPUT) -lpaho-mqtt3as
$(SAMPLES_cs:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(PUBSUB) $(HEADERS) | $(OUTPUT)/libpaho-mqtt3cs.so
	$(LINK_SAMPLE) -L$(OUTPUT) -lpaho-mqtt3cs
$(SAMPLES_oxide:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(HEADERS) | $(OUTPUT)/libpaho-oxide.so
	$(LINK_SAMPLE) -L$(OUTPUT) -lpaho-oxide $(SAMPLE_LIBS)
$(OUTPUT)/oxide_feed $(OUTPUT)/oxide_poll: c-examples/oxide_hello.h
# It does its cryptography itself.
$(OUTPUT)/oxide_auth: SAMPLE_LIBS := -lcrypto
$(SAMPLES_dl:%=$(OUTPUT)/%): $(OUTPUT)/%: c-examples/%.c $(HEADERS) | $(OUTPUT)/libpaho-mqtt3c.so
	$(LINK_SAMPLE) -ldl

$(PUBSUB): $(BUILD)/%.o: c-examples/%.c $(wildcard c-examples/*.h) $(HEADERS) | $(BUILD)/tools-checked
	$(CC) $(CFLAGS) -Iinclude -c -o $@ $<
$(SAMPLES_as:%=$(OUTPUT)/%) $(SAMPLES_cs:%=$(OUTPUT)/%): $(wildcard c-examples/*.h)

clean: ## remove everything that was built
	rm -rf $(BUILD)
	$(if $(wildcard $(CARGO_TARGET_DIR)),$(CARGO) clean -q)

help: ## list the targets
	@echo 'make                      libraries and samples into $(OUTPUT)/'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r t d; do printf 'make %-20s %s\n' "$$t" "$$d"; done

include tools/install.mk tools/verify.mk tools/hardening.mk tools/bench.mk tools/python.mk tools/go.mk
