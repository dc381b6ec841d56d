package topicaliases_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/extensions/topicaliases"
)

func sent(h *topicaliases.TAHandler, topic string) string {
	p := &paho.Publish{Topic: topic}
	h.PublishHook(p)
	if p.Properties == nil {
		return p.Topic
	}
	return fmt.Sprint(p.Topic, "=", *p.Properties.TopicAlias)
}

func TestHook(t *testing.T) {
	h := topicaliases.NewTAHandler(2)
	for i, want := range []string{"a=1", "=1", "b=2", "=2", "=1", "c"} { // no alias is left for c
		if got := sent(h, []string{"a", "a", "b", "b", "a", "c"}[i]); got != want {
			t.Errorf("%d: %q, not %q", i, got, want)
		}
	}
	h.PublishHook(&paho.Publish{Topic: "c", Properties: &paho.PublishProperties{TopicAlias: paho.Uint16(1)}}) // by the program
	if h.GetTopic(1) != "c" || h.GetAlias("a") != 0 || sent(h, "c") != "=1" {
		t.Errorf("alias 1 is %q", h.GetTopic(1))
	}
	h.ResetAlias("", 2)
	if got := sent(h, "d"); got != "d=2" {
		t.Errorf("an alias that was freed is not used: %q", got)
	}
	h.ResetAll()
	if h.GetTopic(1) != "" || sent(h, "z") != "z=1" {
		t.Error("aliases are left")
	}
}

// Aliases that the handler does not have are no reason to panic, as they are with the original.
func TestLimits(t *testing.T) {
	for _, max := range []uint16{0, 1, 65535} {
		h := topicaliases.NewTAHandler(max)
		for i := range 65600 {
			alias := h.SetAlias(fmt.Sprint(i))
			if want := uint16(i + 1); i < int(max) && alias != want || i >= int(max) && alias != 0 {
				t.Fatalf("alias %d for topic %d of %d", alias, i, max)
			}
		}
		if h.GetTopic(65535) != "" != (max == 65535) || h.GetTopic(0) != "" || h.GetAlias("") != 0 {
			t.Error("topics of no alias")
		}
		if h.ResetAlias("", max); max > 0 && h.SetAlias("again") != max {
			t.Errorf("alias %d is not used again", max)
		}
		h.ResetAlias("x", 0)
		if h.GetTopic(0) != "" {
			t.Error("alias 0 has a topic")
		}
	}
}

func TestConcurrent(t *testing.T) {
	h := topicaliases.NewTAHandler(100)
	var done sync.WaitGroup
	for range 4 {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := range 100 {
				sent(h, fmt.Sprint(i))
			}
		}()
	}
	done.Wait()
	seen := map[uint16]bool{}
	for i := range 100 {
		seen[h.GetAlias(fmt.Sprint(i))] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d aliases", len(seen))
	}
}
