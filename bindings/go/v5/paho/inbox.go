package paho

import (
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

const (
	// maxHeldMessages and maxHeldBytes bound what has been read and not yet been handled: a server that is faster than the handlers then
	// waits, as its TCP does. Up to there, answers behind the messages are still read while a handler waits for them.
	maxHeldMessages = 16384
	maxHeldBytes    = 16 << 20
)

// An inbox is what lies between the goroutine that reads and the handlers.
type inbox struct {
	client  *Client
	mu      sync.Mutex
	changed sync.Cond
	waiting []delivery // for the goroutine that runs handlers
	running bool       // if there is that goroutine
	held    int        // messages, and bytes, that no handler has returned for
	bytes   int
	closed  bool
	// Used by the goroutine that handles events.
	topics   engine.Topics
	payloads engine.Payloads
}

// A delivery is a message on its way to the handlers. The token is what it is acknowledged with, or 0.
type delivery struct {
	packet *Publish
	token  uint64
}

func (d delivery) size() int { return len(d.packet.Topic) + len(d.packet.Payload) }

func (b *inbox) init(c *Client) {
	b.client = c
	b.changed.L = &b.mu
}

// put takes a message that has been read.
func (b *inbox) put(e *engine.Event) {
	d := delivery{b.publishOf(e), e.Token}
	b.mu.Lock()
	b.held++
	b.bytes += d.size()
	b.waiting = append(b.waiting, d)
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start {
		go b.run()
	}
}

// publishOf makes a message of its event, whose memory is only lent.
func (b *inbox) publishOf(e *engine.Event) *Publish {
	message := &struct {
		packet     Publish
		properties PublishProperties
	}{
		packet: Publish{
			PacketID:  e.ID,
			QoS:       e.QoS,
			duplicate: e.Flags&engine.FlagDuplicate != 0,
			Retain:    e.Flags&engine.FlagRetained != 0,
			Topic:     b.topics.Of(e.Topic),
			Payload:   b.payloads.Copy(e.Payload),
		},
	}
	if len(e.Properties) > 0 {
		message.packet.InitProperties(properties(e.Properties, packets.PUBLISH))
	} else {
		message.properties.User = UserProperties{}
		message.packet.Properties = &message.properties
	}
	return &message.packet
}

func (b *inbox) full() bool { return b.held >= maxHeldMessages || b.bytes >= maxHeldBytes }

// busy returns true if awaitRoom would wait.
func (b *inbox) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full() && !b.closed
}

// awaitRoom waits until handlers have caught up, or the connection has ended. The goroutine that reads calls it.
func (b *inbox) awaitRoom() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.full() && !b.closed {
		b.changed.Wait()
	}
}

// close says that the connection has ended, and lets awaitRoom return. What has come is still handled.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
}

// awaitIdle waits until handlers have been called with all messages and have returned, for a time.
func (b *inbox) awaitIdle(limit time.Duration) {
	late := false
	timer := time.AfterFunc(limit, func() {
		b.mu.Lock()
		late = true
		b.changed.Broadcast()
		b.mu.Unlock()
	})
	defer timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.running && !late {
		b.changed.Wait()
	}
}

// run calls the handlers until there are no messages left.
func (b *inbox) run() {
	var spare []delivery
	for {
		b.mu.Lock()
		batch := b.waiting
		b.waiting = spare[:0]
		if len(batch) == 0 {
			b.waiting, b.running = nil, false
			b.changed.Broadcast()
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		if len(batch) > 1 {
			b.client.acks.collect()
		}
		for i, d := range batch {
			batch[i] = delivery{}
			b.client.deliver(d)
			b.handled(d.size())
		}
		if len(batch) > 1 {
			b.client.acks.flush()
		}
		spare = batch
	}
}

// handled says that nothing of a message is left to do.
func (b *inbox) handled(size int) {
	b.mu.Lock()
	wasFull := b.full()
	b.held--
	b.bytes -= size
	if wasFull && !b.full() {
		b.changed.Broadcast()
	}
	b.mu.Unlock()
}

// deliver calls the handlers with a message, and acknowledges it unless the program does.
func (c *Client) deliver(d delivery) {
	manual := c.config.EnableManualAcknowledgment && d.token != 0
	if manual {
		c.tracker.add(d.packet.PacketID, d.token)
	}
	c.handlers.call(c, d.packet)
	if !manual && d.token != 0 {
		c.acks.add(d.token)
	}
}
