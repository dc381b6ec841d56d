package flow

import (
	"bytes"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
)

// An Outcome is why Wait returned.
type Outcome int

// What Wait returns.
const (
	Answered Outcome = iota
	Cancelled
	ConnectionLost
	TimedOut
)

// A Result is how an operation ended.
type Result struct {
	Kind       engine.Kind
	Flags      byte
	Reason     byte
	Properties []byte
	Payload    []byte
}

// A Call waits for the end of one operation. It is made by NewCall and given back by Free.
type Call struct {
	Token uint64
	Sent  engine.Sent
	// QoS is that of a publish; others have noQoS.
	QoS    byte
	Result Result
	ended  chan struct{}
	timer  *time.Timer
	// noted is true while events may reach the call, as far as the one that waits for it knows.
	noted bool
}

// noQoS marks calls that are no publishes.
const noQoS = 3

// calls are used again: each has a channel and a timer.
var calls = sync.Pool{New: func() any {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &Call{ended: make(chan struct{}, 1), timer: timer}
}}

// NewCall returns a call for one operation.
func NewCall() *Call { return calls.Get().(*Call) }

// free gives a call back that nobody waits for and no event can reach any more.
func (c *Call) free() {
	select {
	case <-c.ended:
	default:
	}
	c.Token, c.Sent, c.QoS, c.Result, c.noted = 0, engine.Sent{}, 0, Result{}, false
	calls.Put(c)
}

// Wait waits for the end of a call, for the end of the connection if lost is given, for a time, or until done is closed.
func (c *Call) Wait(done, lost <-chan struct{}, timeout time.Duration) Outcome {
	c.timer.Reset(timeout)
	defer c.timer.Stop()
	select {
	case <-c.ended:
		c.noted = false
		return Answered
	case <-done:
		return Cancelled
	case <-lost:
		return ConnectionLost
	case <-c.timer.C:
		return TimedOut
	}
}

// end ends the wait.
func (c *Call) end(r Result) {
	c.Result = r
	c.ended <- struct{}{}
}

// Free gives a call back, which may still be under way: its end is of no interest then.
func (s *Session) Free(c *Call) {
	if !c.noted {
		c.free()
		return
	}
	s.mu.Lock()
	if s.calls[c.Token] == c {
		delete(s.calls, c.Token)
	}
	for i := range s.streams {
		if s.streams[i] == c {
			s.streams[i] = nil
		}
	}
	s.mu.Unlock()
	c.free()
}

// Publish gives a message to the engine. Unless an error is returned or the message is Written, the call will be ended.
func (s *Session) Publish(message *engine.Publication, c *Call) error {
	client := s.engine.Load()
	if client == nil {
		return engine.ErrDisconnected
	}
	c.QoS = message.QoS
	s.mu.Lock()
	defer s.mu.Unlock()
	if message.QoS > 0 && s.exhausted() {
		return engine.ErrNoID
	}
	message.Shared = message.QoS > 0 && len(s.calls) > 0
	sent, err := client.Publish(message)
	if err != nil {
		return err
	}
	c.Token, c.Sent = sent.Token, sent
	switch {
	case message.QoS > 0, sent.Status&(engine.Written|engine.Buffered) == 0:
		s.add(c)
	case sent.Status&engine.Buffered != 0:
		s.streams = append(s.streams, c)
		c.noted = true
	}
	if s.mirror != nil && message.QoS > 0 {
		return s.mirror.put(sent, message)
	}
	return nil
}

// Subscribe sends SUBSCRIBE. The call will be ended unless an error is returned.
func (s *Session) Subscribe(filters []engine.Filter, properties []byte, c *Call) error {
	return s.ask(c, func(client *engine.Client) (uint64, error) { return client.Subscribe(filters, properties) })
}

// Unsubscribe sends UNSUBSCRIBE. The call will be ended unless an error is returned.
func (s *Session) Unsubscribe(filters []string, properties []byte, c *Call) error {
	return s.ask(c, func(client *engine.Client) (uint64, error) { return client.Unsubscribe(filters, properties) })
}

func (s *Session) ask(c *Call, send func(*engine.Client) (uint64, error)) error {
	client := s.engine.Load()
	if client == nil {
		return engine.ErrDisconnected
	}
	c.QoS = noQoS
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exhausted() {
		return engine.ErrNoID
	}
	token, err := send(client)
	if err != nil {
		return err
	}
	c.Token = token
	s.add(c)
	return nil
}

// add notes a call. The caller holds the lock.
func (s *Session) add(c *Call) {
	if s.calls == nil {
		s.calls = map[uint64]*Call{}
	}
	s.calls[c.Token] = c
	c.noted = true
}

// identifiers is how many packet identifiers there are.
const identifiers = 65535

// exhausted returns true if no packet identifier is left. The caller holds the lock.
func (s *Session) exhausted() bool {
	return len(s.reserved) > 0 && len(s.reserved)+len(s.calls) >= identifiers
}

// Reserve takes a packet identifier out of use, for tests.
func (s *Session) Reserve(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved == nil {
		s.reserved = map[uint16]bool{}
	}
	s.reserved[id] = true
}

// done ends publishes that have ended well.
func (s *Session) done(e *engine.Event) {
	if e.Value == 1 {
		s.answered(e.Token, e)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := e.Token; token < e.Token+e.Value && (len(s.calls) > 0 || s.mirror != nil); token++ {
		s.finish(token, Result{Kind: engine.Done})
	}
}

// answered ends one operation.
func (s *Session) answered(token uint64, e *engine.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(token, Result{
		Kind: e.Kind, Flags: e.Flags, Reason: byte(e.Reason), Properties: bytes.Clone(e.Properties), Payload: bytes.Clone(e.Payload),
	})
}

// finish ends the call of an operation, if one waits. The caller holds the lock.
func (s *Session) finish(token uint64, r Result) {
	if s.mirror != nil && !(r.Kind == engine.Failed && r.Flags == engine.FailedEnded) {
		s.mirror.remove(token)
	}
	if c, ok := s.calls[token]; ok {
		delete(s.calls, token)
		c.end(r)
	}
	if len(s.calls) == 0 {
		s.calls = nil // a map keeps the room that a burst has taken
	}
}

// written ends the publishes with QoS 0 up to this token.
func (s *Session) written(upTo uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for ; n < len(s.streams) && (s.streams[n] == nil || s.streams[n].Token <= upTo); n++ {
		if c := s.streams[n]; c != nil {
			c.end(Result{Kind: engine.Done})
		}
		s.streams[n] = nil
	}
	if s.streams = s.streams[n:]; len(s.streams) == 0 {
		s.streams = nil
	}
}

// failStreams ends the publishes with QoS 0 that a connection took with it.
func (s *Session) failStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.streams {
		if c != nil {
			c.end(Result{Kind: engine.Failed, Flags: engine.FailedEnded})
		}
	}
	s.streams = nil
}

// failAll ends all calls.
func (s *Session) failAll() {
	s.mu.Lock()
	waiting := s.calls
	s.calls = nil
	for _, c := range waiting {
		c.end(Result{Kind: engine.Failed, Flags: engine.FailedEnded})
	}
	s.mu.Unlock()
	s.failStreams()
}
