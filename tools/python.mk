# make wheel, test-python, torture-python, bench-python: the Python packages in bindings/python.

.PHONY: wheel test-python test-python-original torture-python bench-python
PYTHON       ?= python3
PYTHON_BUILD := $(BUILD)/python
PYTHON_WHEELS := $(PYTHON_BUILD)/wheels
# Pinned, so that a wheel and its tests are the same tomorrow.
PYTHON_TOOLS := maturin==1.16.0 ziglang==0.17.1
PYTHON_TEST_NEEDS := pytest==9.2.0 mypy==2.4.1 ruff==0.17.6 paho-mqtt==2.2.0 aiomqtt==2.5.1 uvloop==0.23.0 PySocks==1.7.1 dnspython==2.9.2 gevent==26.9.0
PYTHON_SOURCES = $(shell find bindings/python -type f \( -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' -o -name README.md \) -not -path '*/tests/*')

# The oldest glibc that the wheel is to run on. `make wheel WHEEL_COMPATIBILITY=linux` builds for this machine only, without zig.
WHEEL_COMPATIBILITY ?= manylinux_2_17

$(PYTHON_BUILD)/tools/done: tools/python.mk
	$(PYTHON) -m venv --clear $(PYTHON_BUILD)/tools
	$(PYTHON_BUILD)/tools/bin/pip install -q $(PYTHON_TOOLS)
	@touch $@

wheel: ## build the Python source distribution, and the wheels from it, into build/python/wheels/
wheel: $(PYTHON_WHEELS)/done

# The wheel is built from the source distribution, so that whatever the tests say of the one holds for the other. Files in the
# archive are of 2006: cargo would take an older build for theirs, had they not the time of now (tar's m). The lock file names
# members that the archive has not, so `--locked` would refuse it; the versions in it stay.
$(PYTHON_WHEELS)/done: $(PYTHON_BUILD)/tools/done $(RUST_SOURCES) $(PYTHON_SOURCES)
	rm -rf $(PYTHON_WHEELS)
	$(PYTHON_BUILD)/tools/bin/maturin sdist --manifest-path bindings/python/Cargo.toml --out $(PYTHON_WHEELS)
	unpacked=$$(mktemp -d) && trap 'rm -rf "$$unpacked"' EXIT && \
		tar -xzmf $(PYTHON_WHEELS)/paho_oxide-*.tar.gz -C "$$unpacked" --strip-components=1 && cd "$$unpacked" && \
		PATH="$(CURDIR)/$(PYTHON_BUILD)/tools/bin:$$PATH" CARGO_TARGET_DIR="$(CURDIR)/$(PYTHON_BUILD)/target" \
		maturin build -q --release --strip --compatibility $(WHEEL_COMPATIBILITY) \
		$(if $(filter linux,$(WHEEL_COMPATIBILITY)),,--zig) --out $(CURDIR)/$(PYTHON_WHEELS)
	$(PYTHON_BUILD)/tools/bin/pip wheel -q --no-deps --wheel-dir $(PYTHON_WHEELS) bindings/python/as-paho-mqtt
	@touch $@; ls -l $(PYTHON_WHEELS)/*.whl $(PYTHON_WHEELS)/*.tar.gz

$(PYTHON_BUILD)/venv/done: $(PYTHON_WHEELS)/done
	$(PYTHON) -m venv --clear $(PYTHON_BUILD)/venv
	$(PYTHON_BUILD)/venv/bin/pip install -q $(PYTHON_TEST_NEEDS) $(PYTHON_WHEELS)/paho_oxide-*.whl
	@touch $@

# In a fresh environment, from another directory: what is tested is the wheel, not the sources.
test-python: $(PYTHON_BUILD)/venv/done ## test the Python wheel in a fresh virtual environment
	cd $(PYTHON_BUILD) && PAHO_OXIDE_WHEELS=$(CURDIR)/$(PYTHON_WHEELS) venv/bin/python -m pytest -q -p no:cacheprovider $(CURDIR)/bindings/python/tests $(PYTEST_FLAGS)

# paho-mqtt's own tests, with the package that stands in for it. Not run: those of its decoder (`_packet`), which is private, and
# those of what bindings/python/README.md says is different: two connections where loop_start precedes connect, topics that are
# no UTF-8, a SUBACK with a number that nobody uses, and a mock in place of a socket that has no sendall.
PYTHON_ORIGINAL_SKIPS := --ignore tests/test_packet.py \
	--deselect tests/test_client.py::TestPublish::test_publish_before_connect \
	--deselect tests/test_client.py::TestPublishBroker2Client::test_invalid_utf8_topic \
	--deselect tests/test_client.py::TestLargeDownload::test_no_disconnect_during_large_download \
	--deselect tests/test_websockets.py::TestHeaders::test_normal_headers
test-python-original: $(PYTHON_WHEELS)/done ## run paho-mqtt's own tests on the Python package
	rm -rf $(PYTHON_BUILD)/original && mkdir -p $(PYTHON_BUILD)/original
	$(PYTHON) -m venv $(PYTHON_BUILD)/original/venv
	$(PYTHON_BUILD)/original/venv/bin/pip install -q $(filter pytest% PySocks% dnspython%,$(PYTHON_TEST_NEEDS)) $(PYTHON_WHEELS)/*.whl
	$(PYTHON_BUILD)/original/venv/bin/pip download -q --no-deps --no-binary :all: -d $(PYTHON_BUILD)/original $(filter paho-mqtt%,$(PYTHON_TEST_NEEDS))
	tar -xzf $(PYTHON_BUILD)/original/paho_mqtt-*.tar.gz -C $(PYTHON_BUILD)/original --strip-components=1
	cd $(PYTHON_BUILD)/original && venv/bin/python -m pytest -q -p no:cacheprovider $(PYTHON_ORIGINAL_SKIPS) tests

# The numbers that the tests have small versions of: a hundred kills, ten thousand reconnects, an hour's messages at 1,000 a second.
torture-python: export PAHO_OXIDE_PYTHON_KILLS := 100
torture-python: export PAHO_OXIDE_PYTHON_RECONNECTS := 10000
torture-python: export PAHO_OXIDE_PYTHON_MESSAGES := 3600000
torture-python: $(PYTHON_BUILD)/venv/done ## the Python package's kill, reconnect and memory tests at full length
	cd $(PYTHON_BUILD) && venv/bin/python -m pytest -q -p no:cacheprovider --durations=0 $(CURDIR)/bindings/python/tests/test_reliability.py $(PYTEST_FLAGS)

bench-python: $(PYTHON_BUILD)/venv/done bench-programs ## compare the speed with paho-mqtt and aiomqtt
	$(PYTHON_BUILD)/venv/bin/python bindings/python/benches/compare.py $(BENCHES)/sink
