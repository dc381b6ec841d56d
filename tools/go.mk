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

# Pinned, so that what it finds is the same tomorrow.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# The tests and tools call "go", and must get the one that was found.
GO_ENVIRONMENT = go=$(GO_COMMAND) || exit 1; PATH="$$(dirname "$$go"):$$PATH"; export PATH

# Formatting, lints, and what is generated. Deprecated names are the originals', and stay.
check-go: go-archive
	@set -e; $(GO_ENVIRONMENT); \
	unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l bindings/go); \
	[ -z "$$unformatted" ] || { echo "not as gofmt writes it: $$unformatted"; exit 1; }; \
	for module in $(GO_MODULES); do echo "go vet and staticcheck in $$module"; (cd $$module && go vet ./... && go run $(STATICCHECK) -checks inherit,-SA1019 ./...); done; \
	cd bindings/go && go generate . && (cd v5 && go generate .) && git diff --exit-code --stat replace v5/replace

# The race detector and the strict checks of what C is given run where they find something: in the tests of storms, losses and leaks.
# -count=1 because Go does not see that the archive has changed.
test-go: check-go $(OUTPUT)/libpaho-oxide.so ## test the Go packages
	@set -e; $(GO_ENVIRONMENT); PAHO_OXIDE_OUTPUT=$(abspath $(OUTPUT)); export PAHO_OXIDE_OUTPUT; \
	for module in $(GO_MODULES); do echo "go test in $$module"; (cd $$module && go test -count=1 ./...); done; \
	echo 'under the race detector'; (cd bindings/go/tests && go test -count=1 -race ./robust); \
	(cd bindings/go/v5/tests && go test -count=1 -race ./robust ./auto); \
	echo 'with the strict checks of what C is given'; (cd bindings/go/tests && GOEXPERIMENT=cgocheck2 go test -count=1 ./robust -run 'TestHandlerMayWait|TestPayloadIsCopied|TestNothingIsLeft')

torture-go: go-archive ## the Go tests of losses and leaks, as often as the requirements say
	@set -e; $(GO_ENVIRONMENT); \
	for module in bindings/go/tests bindings/go/v5/tests; do (cd $$module && PAHO_OXIDE_LONG=1 go test -count=1 -v -timeout 3h ./robust); done

GO_BENCH_RUNS ?= 5

bench-go: go-archive $(BENCHES)/sink ## compare the Go package with the original
	@set -e; $(GO_ENVIRONMENT); cd bindings/go/tests; for module in '' -v5; do \
		go run ./bench -sink $(CURDIR)/$(BENCHES)/sink -runs $(GO_BENCH_RUNS) $$module; done
