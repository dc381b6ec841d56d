package mqtt

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

const (
	// maxHeldMessages and maxHeldBytes bound what has been read and not yet been handled: a server that is faster than the handlers then
	// waits, as its TCP does. Up to there, acknowledgements behind the messages are still read while a handler waits for them.
	maxHeldMessages = 16384
	maxHeldBytes    = 16 << 20
)

// An inbox is what lies between the goroutine that reads and the handlers.
type inbox struct {
	client  *client
	mu      sync.Mutex
	roomy   sync.Cond
	waiting []*message // for the goroutine that runs handlers in order
	running bool       // if there is that goroutine
	held    int        // messages, and bytes, that no handler has returned for
	bytes   int
	closed  bool
	drops   atomic.Uint32 // how often drop has been called
	cache   routeCache    // of the goroutine that reads, for messages in no order
}

func (b *inbox) init(c *client) {
	b.client = c
	b.roomy.L = &b.mu
}

// put takes a message that has been read.
func (b *inbox) put(m *message) {
	b.mu.Lock()
	b.held++
	b.bytes += m.size()
	if !b.client.options.Order {
		b.mu.Unlock()
		b.client.handleApart(m)
		return
	}
	b.waiting = append(b.waiting, m)
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start {
		go b.run()
	}
}

// handled says that nothing of the message is left to do.
func (b *inbox) handled(messages, bytes int) {
	b.mu.Lock()
	wasFull := b.full()
	b.held -= messages
	b.bytes -= bytes
	if wasFull && !b.full() {
		b.roomy.Broadcast()
	}
	b.mu.Unlock()
}

func (b *inbox) full() bool { return b.held >= maxHeldMessages || b.bytes >= maxHeldBytes }

// awaitRoom waits until handlers have caught up, or the connection is of no interest any more. The goroutine that reads calls it.
func (b *inbox) awaitRoom() {
	b.mu.Lock()
	for b.full() && !b.closed {
		b.roomy.Wait()
	}
	b.mu.Unlock()
}

// drop forgets messages that no handler has been called with: after Disconnect none is called any more.
func (b *inbox) drop() {
	b.mu.Lock()
	for _, m := range b.waiting {
		b.held--
		b.bytes -= m.size()
	}
	b.waiting = nil
	b.drops.Add(1)
	b.roomy.Broadcast()
	b.mu.Unlock()
}

// busy returns true if awaitRoom would wait.
func (b *inbox) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full() && !b.closed
}

// close lets awaitRoom return; open has it wait again.
func (b *inbox) close() { b.set(true) }
func (b *inbox) open()  { b.set(false) }

func (b *inbox) set(closed bool) {
	b.mu.Lock()
	b.closed = closed
	b.roomy.Broadcast()
	b.mu.Unlock()
}

// run calls the handlers of ordered messages until there are none left.
func (b *inbox) run() {
	var cache routeCache
	var spare []*message
	for {
		b.mu.Lock()
		batch, drops := b.waiting, b.drops.Load()
		b.waiting = spare[:0]
		if len(batch) == 0 {
			b.waiting = nil
			b.running = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		var acks *acks
		if len(batch) > 1 {
			acks = &batch[0].session.acks
			acks.collect()
		}
		for i, m := range batch {
			batch[i] = nil
			if drops == b.drops.Load() {
				for _, handler := range cache.handlersOf(b.client.router, m.topic) {
					handler(b.client, m)
					b.client.autoAck(m)
				}
			}
			b.handled(1, m.size())
		}
		if acks != nil {
			acks.flush()
		}
		spare = batch
	}
}

// handleApart calls each of a message's handlers on a goroutine of its own.
func (c *client) handleApart(m *message) {
	handlers := c.inbox.cache.handlersOf(c.router, m.topic)
	size := m.size()
	if len(handlers) == 0 {
		c.inbox.handled(1, size)
		return
	}
	for i, handler := range handlers {
		go func() {
			handler(c, m)
			c.autoAck(m)
			if i == 0 {
				c.inbox.handled(1, size)
			}
		}()
	}
}

func (c *client) autoAck(m *message) {
	if !c.options.AutoAckDisabled {
		m.Ack()
	}
}

// handle takes the engine's events. The goroutine that reads the connection calls it, and must not wait in it.
func (s *session) handle(e *engine.Event) {
	c := s.client
	switch e.Kind {
	case engine.Message:
		s.received(e)
	case engine.Done:
		s.done(e.Token, e.Value)
	case engine.WrittenUpTo:
		c.pending.written(e.Token)
	case engine.Suback, engine.Unsuback, engine.Failed:
		s.answered(e)
	case engine.Connected:
		c.accepted(e.Flags&engine.FlagSessionPresent != 0)
	case engine.ConnectFailed:
		code := byte(packets.ErrNetworkError)
		if e.Reason != 0 {
			code = byte(e.Reason)
		}
		c.outcome(code, e.Err)
	case engine.Lost, engine.ServerDisconnect:
		c.inbox.close()
		if !c.outcome(packets.ErrNetworkError, e.Err) {
			c.connectionLost(e.Err)
		}
	case engine.Closed:
		c.inbox.close()
		if e.Err != nil {
			c.log.warn(CLI, "Disconnect packet not sent:", e.Err)
		}
		if closed := c.closing.Swap(nil); closed != nil {
			close(*closed)
		}
	}
}

// received makes a message of its event, whose memory is only lent.
func (s *session) received(e *engine.Event) {
	s.client.inbox.put(&message{
		session:   s,
		topic:     s.topics.Of(e.Topic),
		payload:   s.payloads.Copy(e.Payload),
		ackToken:  e.Token,
		messageID: e.ID,
		qos:       e.QoS,
		duplicate: e.Flags&engine.FlagDuplicate != 0,
		retained:  e.Flags&engine.FlagRetained != 0,
	})
}

// done ends publishes.
func (s *session) done(first, count uint64) {
	s.ended = s.client.pending.take(first, count, s.ended[:0])
	for i, token := range s.ended {
		s.ended[i] = nil
		s.forget(token)
		token.flowComplete()
	}
}

// forget removes the packet of a publish that has ended from the program's store.
func (s *session) forget(token tokenCompletor) {
	if publish, ok := token.(*PublishToken); ok && s.store != nil && publish.messageID != 0 {
		s.store.Del(outboundKey(publish.messageID))
	}
}

// answered ends a subscribe or unsubscribe, or a call that has failed.
func (s *session) answered(e *engine.Event) {
	for _, token := range s.client.pending.take(e.Token, 1, nil) {
		if e.Flags != engine.FailedEnded {
			s.forget(token)
		}
		publish, isPublish := token.(*PublishToken)
		subscribe, isSubscribe := token.(*SubscribeToken)
		switch {
		case e.Kind == engine.Unsuback:
			if unsubscribe, ok := token.(*UnsubscribeToken); ok && s.client.options.Resubscribe {
				s.client.subscribed.remove(unsubscribe.filters)
			}
			token.flowComplete()
		case e.Kind == engine.Suback && isSubscribe:
			if s.client.options.Resubscribe {
				s.client.subscribed.add(subscribe.filters, e.Payload)
			}
			subscribe.granted(e.Payload)
		case !isPublish && e.Flags == engine.FailedEnded:
			s.client.asked(token)
		case isPublish && e.Flags != engine.FailedEnded:
			publish.setError(fmt.Errorf("publish failed: %s", failures[e.Flags]))
		default:
			lost(token)
		}
	}
}

// failures say why an operation failed.
var failures = map[byte]string{
	engine.FailedRefused:    "refused by the server",
	engine.FailedExpired:    "expired",
	engine.FailedDropped:    "dropped",
	engine.FailedNotStored:  "the store refused it",
	engine.FailedNotAllowed: "the server does not allow it",
	engine.FailedCancelled:  "cancelled",
}
