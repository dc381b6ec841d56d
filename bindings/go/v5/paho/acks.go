package paho

import (
	"sync"
	"time"
)

const (
	// maxAcks is how many acknowledgements wait for each other at most, and ackDelay how long: handlers that return at once then cause one write
	// for many messages, and one that takes its time does not hold back the acknowledgements of those before it.
	maxAcks  = 64
	ackDelay = 2 * time.Millisecond
)

// acks sends acknowledgements.
type acks struct {
	client  *Client
	mu      sync.Mutex
	tokens  []uint64
	spare   []uint64
	sending bool
	// collecting says that more are about to come, and flush at the end.
	collecting bool
	timer      *time.Timer
}

// collect has acknowledgements wait for flush, within the limits above.
func (a *acks) collect() {
	a.mu.Lock()
	a.collecting = true
	a.mu.Unlock()
}

func (a *acks) flush() {
	a.mu.Lock()
	a.collecting = false
	if a.timer != nil {
		a.timer.Stop()
	}
	a.send()
	a.mu.Unlock()
}

func (a *acks) add(tokens ...uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := len(a.tokens) == 0
	a.tokens = append(a.tokens, tokens...)
	switch {
	case !a.collecting || len(a.tokens) >= maxAcks:
		a.send()
	case !first:
	case a.timer == nil:
		a.timer = time.AfterFunc(ackDelay, func() {
			a.mu.Lock()
			a.send()
			a.mu.Unlock()
		})
	default:
		a.timer.Reset(ackDelay)
	}
}

// send sends what there is, and what others add meanwhile. The caller holds the lock, which is free during the call into the engine.
func (a *acks) send() {
	if a.sending {
		return
	}
	a.sending = true
	for len(a.tokens) > 0 {
		tokens := a.tokens
		a.tokens = a.spare[:0]
		a.mu.Unlock()
		n := 0
		if client := a.client.flow.Engine(); client != nil {
			n, _ = client.Ack(tokens, 0)
		}
		if n < len(tokens) {
			a.client.debug.Println("the connection has ended: acknowledgements dropped")
		}
		a.mu.Lock()
		a.spare = tokens
	}
	a.sending = false
}

// A tracker knows the messages that the program has not acknowledged, or whose acknowledgements have not been sent yet.
type tracker struct {
	client *Client
	mu     sync.Mutex
	// order are the messages as they came; byID finds them.
	order []*unacknowledged
	byID  map[uint16]*unacknowledged
	timer *time.Timer
	over  bool
}

type unacknowledged struct {
	id    uint16
	token uint64
	given bool
}

func (t *tracker) init(c *Client) {
	t.client = c
	t.byID = map[uint16]*unacknowledged{}
}

// add notes a message before its handlers are called.
func (t *tracker) add(id uint16, token uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if known := t.byID[id]; known != nil { // sent again on the same connection: the newer one is what can be acknowledged
		known.token, known.given = token, false
		return
	}
	message := &unacknowledged{id: id, token: token}
	t.order = append(t.order, message)
	t.byID[id] = message
}

// give takes the program's acknowledgement.
func (t *tracker) give(id uint16) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	message := t.byID[id]
	if message == nil {
		return ErrPacketNotFound
	}
	message.given = true
	switch interval := t.client.config.SendAcksInterval; {
	case interval <= 0:
		t.flush()
	case t.timer == nil:
		t.timer = time.AfterFunc(interval, func() {
			t.mu.Lock()
			t.timer = nil
			t.flush()
			t.mu.Unlock()
		})
	}
	return nil
}

// flush sends the acknowledgements of the messages up to the first that the program has not acknowledged. The caller holds the lock.
func (t *tracker) flush() {
	n := 0
	for n < len(t.order) && t.order[n].given {
		n++
	}
	if n == 0 || t.over {
		return
	}
	tokens := make([]uint64, n)
	for i, message := range t.order[:n] {
		tokens[i] = message.token
		delete(t.byID, message.id)
		t.order[i] = nil
	}
	t.order = t.order[n:]
	t.client.acks.add(tokens...)
}

// reset forgets all messages: the connection has ended.
func (t *tracker) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.order = nil
	clear(t.byID)
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// Ack acknowledges a message, with EnableManualAcknowledgment. Acknowledgements leave in the order of the messages: one that comes early waits
// for those before it.
func (c *Client) Ack(pb *Publish) error {
	switch {
	case !c.config.EnableManualAcknowledgment:
		return ErrManualAcknowledgmentDisabled
	case pb.QoS == 0:
		return nil
	}
	return c.tracker.give(pb.PacketID)
}
