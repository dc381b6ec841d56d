// Package client runs programs of package paho on the genuine library and on ours, and compares what they print.
package client

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

func TestPrograms(t *testing.T) {
	for _, program := range []string{"connect", "publish", "subscribe", "receive", "ends", "resume", "auth", "values"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			both.Same(t, "..", "./client/programs/"+program, nil)
		})
	}
}
