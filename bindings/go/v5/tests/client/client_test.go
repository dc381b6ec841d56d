// Package client runs programs of package paho on the genuine library and on ours, and compares what they print.
package client

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

func TestPrograms(t *testing.T) {
	genuine := both.Build(t, both.Genuine, "..", "./client/programs")
	ours := both.Build(t, both.Oxide, "..", "./client/programs")
	for _, program := range []string{"connect", "publish", "subscribe", "receive", "ends", "resume", "auth", "values"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			want, got := both.Run(t, genuine, program), both.Run(t, ours, program)
			if want != got {
				t.Errorf("%s prints otherwise; the genuine library:\n%s\nours:\n%s", program, want, got)
			}
			if len(want) < 100 {
				t.Errorf("%s prints next to nothing: %q", program, want)
			}
		})
	}
}
