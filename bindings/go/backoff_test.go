package mqtt

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	now := time.Unix(1000, 0)
	lost := backoff{startsAtOnce: true}
	for _, want := range []time.Duration{0, 1, 2, 4, 5, 5} {
		if got := lost.next(now, 5*time.Second, 3*time.Second); got != want*time.Second {
			t.Errorf("%v, wanted %v s", got, want)
		}
		now = now.Add(time.Second)
	}
	// After a connection that lasted, the next loss has no pause.
	now = now.Add(time.Minute)
	if got := lost.next(now, 5*time.Second, 3*time.Second); got != 0 {
		t.Errorf("%v after a stable connection", got)
	}
	failed := backoff{}
	for _, want := range []time.Duration{100, 100, 100} {
		if got := failed.next(now, 100*time.Millisecond, time.Second); got != want*time.Millisecond {
			t.Errorf("%v, wanted %v ms", got, want)
		}
	}
}
