package mqtt

import (
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// A session is one client of the engine: what is under way, from one Connect to the next Disconnect, or, where a later Connect shall go on with
// it, longer.
type session struct {
	client *client
	engine *engine.Client
	acks   acks
	// store is the program's, if it is none that the engine serves.
	store Store
	// Used by the goroutine that handles events.
	topics   engine.Topics
	payloads engine.Payloads
	ended    []tokenCompletor
}

// openSession opens the store, and makes the engine's client unless one is there to go on with.
func (c *client) openSession() error {
	c.options.Store.Open()
	if c.session.Load() != nil {
		return nil
	}
	options := engine.Options{
		Busy:     c.inbox.busy,
		Await:    c.inbox.awaitRoom,
		Version:  uint32(c.options.ProtocolVersion &^ 0x80),
		Flags:    engine.AckByProgram | engine.QoS2AtPublish | engine.BufferOffline | engine.IDsAtAccept,
		ClientID: c.options.ClientID,
	}
	files, isFiles := c.options.Store.(*FileStore)
	if isFiles {
		if c.options.CleanSession {
			files.Reset()
		}
		options.Store.Directory = files.directory
	}
	s := &session{client: c}
	options.Handle = s.handle
	var err error
	if s.engine, err = engine.New(options); err != nil {
		return err
	}
	s.acks.session = s
	runtime.AddCleanup(c, engine.Release, s.engine.Handles())
	switch {
	case isFiles:
		files.lend(s.keys)
	case !c.ownStore:
		s.store = c.options.Store
		if c.options.CleanSession {
			s.store.Reset()
		} else {
			s.restore()
		}
	}
	c.session.Store(s)
	return nil
}

// closeSession gives back and closes the store. What is under way in memory, and in a session that the server keeps, stays for another Connect.
func (c *client) closeSession() {
	s := c.session.Load()
	if s != nil && !(c.ownStore && !c.options.CleanSession) {
		c.session.Store(nil)
		s.engine.Close()
		if files, isFiles := c.options.Store.(*FileStore); isFiles {
			files.lend(nil)
		}
	}
	c.options.Store.Close()
}

// keys lists the packets on their way out by the keys of stores.
func (s *session) keys() []string {
	var keys []string
	for _, operation := range s.engine.InFlight() {
		if operation.ID != 0 {
			keys = append(keys, outboundKey(operation.ID))
		}
	}
	return keys
}

// restore gives the engine what a program's store holds.
func (s *session) restore() {
	c := s.client
	for _, key := range s.store.All() {
		packet, isPublish := s.store.Get(key).(*packets.PublishPacket)
		id, isKey := idOfKey(key)
		if !isPublish || !isKey || !strings.HasPrefix(key, outboundPrefix) {
			c.log.error(STR, "invalid message in store (discarded):", key)
			s.store.Del(key)
			continue
		}
		sent, err := s.engine.Publish(&engine.Publication{
			Topic: packet.TopicName, Payload: packet.Payload, QoS: packet.Qos, Retain: packet.Retain, Duplicate: true,
		})
		if err != nil {
			c.log.error(STR, "stored message cannot be sent:", key, err)
			continue
		}
		if sent.ID != id {
			s.keep(sent.ID, packet)
			s.store.Del(key)
		}
		c.pending.Lock()
		c.pending.add(sent.Token, &PublishToken{messageID: sent.ID})
		c.pending.Unlock()
	}
}

// keep puts a publish into the program's store, if there is one.
func (s *session) keep(id uint16, packet *packets.PublishPacket) {
	packet.MessageID = id
	s.store.Put(outboundKey(id), packet)
}

const (
	// maxAcks is how many acknowledgements wait for each other at most, and ackDelay how long: handlers that return at once then cause one write
	// for many messages, and one that takes its time does not hold back the acknowledgements of those before it.
	maxAcks  = 64
	ackDelay = 2 * time.Millisecond
)

// acks sends acknowledgements.
type acks struct {
	session *session
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

func (a *acks) add(token uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = append(a.tokens, token)
	if !a.collecting || len(a.tokens) >= maxAcks {
		a.send()
		return
	}
	if len(a.tokens) > 1 {
		return
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(ackDelay, func() {
			a.mu.Lock()
			a.send()
			a.mu.Unlock()
		})
	} else {
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
		n, err := a.session.engine.Ack(tokens, 0)
		a.mu.Lock()
		a.spare = tokens
		if err != nil || n < len(tokens) {
			a.session.client.log.debug(ROU, "acknowledgment after the connection has ended (ACK dropped)")
		}
	}
	a.sending = false
}
