# The Go packages in bindings/go.

.PHONY: go-archive test-go check-go bench-go torture-go

# Where the Go module expects the engine. None of these files is committed. The headers are all that paho_oxide.h needs.
GO_ARCHIVE := bindings/go/internal/engine/lib/linux_amd64
GO_HEADERS := $(addprefix $(GO_ARCHIVE)/,paho_oxide.h MQTTExportDeclarations.h)
# Modules whose tests and checks run. All of them find module one by a replace directive.
GO_MODULES := bindings/go bindings/go/replace bindings/go/tests $(patsubst %/go.mod,%,$(wildcard bindings/go/v5/go.mod bindings/go/v5/*/go.mod))
GO_COMMAND  = $$(tools/go.sh $(BUILD))

go-archive: $(GO_ARCHIVE)/libpaho-oxide.a $(GO_HEADERS) ## put the engine where the Go packages expect it

$(GO_ARCHIVE)/libpaho-oxide.a: $(OUTPUT)/libpaho-oxide.a
	cp $< $@
$(GO_HEADERS): $(GO_ARCHIVE)/%: include/%
	cp $< $@

# Formatting and lints.
check-go: go-archive
	@go=$(GO_COMMAND); \
	unformatted=$$("$$(dirname "$$(readlink -f "$$go")")/gofmt" -l bindings/go); \
	[ -z "$$unformatted" ] || { echo "not as gofmt writes it: $$unformatted"; exit 1; }; \
	for module in $(GO_MODULES); do echo "go vet in $$module"; (cd $$module && "$$go" vet ./...) || exit 1; done; \
	cd bindings/go && "$$go" generate . && (cd v5 && "$$go" generate .) && git diff --exit-code --stat replace v5/replace

# The data race detector and the strict checks of what is passed to C, where they find something: in the client's own tests.
test-go: check-go
	@go=$(GO_COMMAND); set -e; \
	for module in $(GO_MODULES); do echo "go test in $$module"; (cd $$module && "$$go" test ./...); done; \
	echo 'the same under the race detector'; (cd bindings/go/tests && "$$go" test -race ./robust); \
	(cd bindings/go/v5/tests && "$$go" test -race ./robust ./auto); \
	echo 'with the strict checks of what C is given'; (cd bindings/go/tests && GOEXPERIMENT=cgocheck2 "$$go" test ./robust -run 'TestHandlerMayWait|TestPayloadIsCopied|TestNothingIsLeft')

torture-go: go-archive ## the Go tests of losses and leaks, as often as the requirements say
	@go=$(GO_COMMAND); set -e; \
	for module in bindings/go/tests bindings/go/v5/tests; do (cd $$module && PAHO_OXIDE_LONG=1 "$$go" test -v -timeout 3h ./robust); done

GO_BENCH_RUNS ?= 5

bench-go: go-archive $(BENCHES)/sink ## compare the Go package with the original
	@cd bindings/go/tests && go="$$(cd ../../.. && tools/go.sh $(BUILD))" && for module in '' -v5; do \
		"$$go" run ./bench -sink $(CURDIR)/$(BENCHES)/sink -runs $(GO_BENCH_RUNS) $$module || exit 1; done
