// Package differential runs programs on the genuine library and on ours, and compares what they print.
package differential

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// meant are lines that differ on purpose: the genuine library's, and ours. Each is a row of DIFFERENCES.md.
var meant = map[string]map[string]string{
	"details": {
		"[subscribe [a] [1] unsubscribe [b]] <nil> <nil> map[]": "[subscribe [a] [1] unsubscribe [b]] <nil> <nil> map[a:1]",
	},
}

func TestPrograms(t *testing.T) {
	for _, program := range []string{
		"options", "offline", "packets", "stores", "wire", "refused", "reconnect", "losttokens", "routes", "manualack", "retry", "states", "notifications",
		"hostile", "crash",
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			both.Same(t, "..", "./differential/programs/"+program, meant[program])
		})
	}
}

func TestTransports(t *testing.T) {
	broker := both.Mosquitto(t)
	for name, arguments := range map[string][]string{
		"tcp": {broker.TCP}, "tls": {broker.TLS, broker.CA}, "ws": {broker.WS}, "unix": {broker.Unix},
	} {
		t.Run(name, func(t *testing.T) {
			both.Same(t, "..", "./differential/programs/broker", nil, arguments...)
		})
	}
}

func TestDetails(t *testing.T) {
	broker := both.Mosquitto(t)
	both.Same(t, "..", "./differential/programs/details", meant["details"], broker.TCP, broker.TLS, broker.CA, broker.WS)
}
