// Package differential runs programs on the genuine library and on ours, and compares what they print.
package differential

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// meant are lines that differ on purpose: the genuine library's, and ours. Each is a row of DIFFERENCES.md.
var meant = map[string]map[string]string{
	"requests": {
		`0x97 "why" [{k v}] error publishing: An implementation or administrative imposed limit has been exceeded.`: `0x97 "why" [{k v}] error publishing: Quota exceeded`,
	},
}

func TestPrograms(t *testing.T) {
	for _, program := range []string{"config", "connecting", "lifecycle", "queueing", "requests", "handlers", "wire", "storing", "hostile"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			both.Same(t, "..", "./differential/programs/"+program, meant[program])
		})
	}
}

func TestOnBroker(t *testing.T) {
	broker := both.Mosquitto(t)
	for name, arguments := range map[string][]string{
		"tcp": {broker.TCP}, "tls": {broker.TLS, broker.CA}, "ws": {broker.WS}, "unix": {broker.Unix},
	} {
		t.Run(name, func(t *testing.T) {
			both.Same(t, "..", "./differential/programs/broker", nil, arguments...)
		})
	}
	t.Run("rpc", func(t *testing.T) { both.Same(t, "..", "./differential/programs/response", nil, broker.TCP) })
}
