package thirdparty

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// programs is a module that depends on other people's modules, which are fetched before anything is built.
func programs(t *testing.T) {
	t.Helper()
	for _, library := range libraries {
		download := exec.Command("go", "mod", "download", "-modfile="+string(library)+".mod")
		download.Dir = "programs"
		if out, err := download.CombinedOutput(); err != nil {
			t.Fatalf("the modules that these tests use are neither in the module cache nor to be had from the module proxy (GOPROXY): %v\n%s", err, out)
		}
	}
}

// TestPrograms compares what small programs print that use other people's libraries.
func TestPrograms(t *testing.T) {
	programs(t)
	for name, arguments := range map[string]func(*both.Broker) []string{
		"gobot":   func(b *both.Broker) []string { return []string{b.TCP, b.TLS, b.CA} },
		"edgex":   func(b *both.Broker) []string { return []string{b.TCP} },
		"emitter": func(b *both.Broker) []string { return []string{b.TCP} },
		"iothub":  func(b *both.Broker) []string { return []string{b.TLS, b.CA} },
		"ditto":   func(b *both.Broker) []string { return []string{b.TCP, b.TLS, b.CA} },
		"hmq":     func(b *both.Broker) []string { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both.Same(t, "programs", "./"+name, nil, arguments(both.Mosquitto(t))...)
		})
	}
}

// TestTheirTests runs the tests that those libraries have, on ours. Tests that dial a fixed port are left out: ./programs has what they show.
func TestTheirTests(t *testing.T) {
	programs(t)
	arguments := append([]string{"test", "-count=1", "-modfile=oxide.mod", "-skip", "ConnectError|ConnectSSLError|ConnectWithAuthError|WhenConnected"},
		strings.Fields(os.Getenv("PAHO_OXIDE_GO_FLAGS"))...)
	packages := []string{
		"gobot.io/x/gobot/v2/platforms/mqtt",
		"github.com/edgexfoundry/go-mod-messaging/v4/internal/pkg/mqtt",
		"github.com/edgexfoundry/go-mod-messaging/v4/messaging",
		"github.com/eclipse/ditto-clients-golang",
		"github.com/amenzhinsky/iothub/iotdevice/transport/mqtt",
	}
	test := exec.Command("go", append(arguments, packages...)...)
	test.Dir = "programs"
	if out, err := test.CombinedOutput(); err != nil || strings.Count(string(out), "ok  \t") != len(packages) {
		t.Errorf("%v\n%s", err, out)
	}
}
