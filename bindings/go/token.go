package mqtt

import (
	"errors"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
)

// PacketAndToken is here since the original exports it; no function takes or returns one.
type PacketAndToken struct{}

// A Token follows one call to its end.
type Token interface {
	// Wait waits until the call has ended. It always returns true.
	Wait() bool
	// WaitTimeout is Wait with a limit. It returns false if the time ran out; the call goes on and can be waited for again.
	WaitTimeout(time.Duration) bool
	// Done returns a channel that is closed when the call has ended.
	Done() <-chan struct{}
	// Error returns why the call failed. It is nil while the call goes on.
	Error() error
}

// TokenErrorSetter is a token that this package can end with an error.
type TokenErrorSetter interface {
	setError(error)
}

type tokenCompletor interface {
	Token
	TokenErrorSetter
	flowComplete()
}

// closedChannel is what Done returns for calls that have ended before anybody asked.
var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// A baseToken makes its channel only when somebody waits before the end: most tokens of a fast publisher never need one.
type baseToken struct {
	m        sync.Mutex
	complete bool
	done     chan struct{}
	err      error
}

// end ends the call, once; what must be visible to those who wait is set by fill, which runs with the lock held.
func (b *baseToken) end(err error, fill func()) {
	b.m.Lock()
	if !b.complete {
		b.complete, b.err = true, err
		if fill != nil {
			fill()
		}
		if b.done != nil {
			close(b.done)
		}
	}
	b.m.Unlock()
}

func (b *baseToken) flowComplete()      { b.end(nil, nil) }
func (b *baseToken) setError(err error) { b.end(err, nil) }
func (b *baseToken) Done() <-chan struct{} {
	b.m.Lock()
	defer b.m.Unlock()
	if b.complete {
		return closedChannel
	}
	if b.done == nil {
		b.done = make(chan struct{})
	}
	return b.done
}

// Wait waits until the call has ended. It always returns true.
func (b *baseToken) Wait() bool {
	<-b.Done()
	return true
}

// WaitTimeout waits until the call has ended, or for the given time. It returns true if the call has ended.
func (b *baseToken) WaitTimeout(d time.Duration) bool {
	done := b.Done()
	select {
	case <-done:
		return true
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// Error returns why the call failed, or nil.
func (b *baseToken) Error() error {
	b.m.Lock()
	defer b.m.Unlock()
	return b.err
}

// ConnectToken is Connect's.
type ConnectToken struct {
	baseToken
	returnCode     byte
	sessionPresent bool
}

// ReturnCode returns CONNACK's code, or packets.ErrNetworkError if there was no CONNACK.
func (c *ConnectToken) ReturnCode() byte {
	c.m.Lock()
	defer c.m.Unlock()
	return c.returnCode
}

// SessionPresent returns true if the server had kept a session for the client.
func (c *ConnectToken) SessionPresent() bool {
	c.m.Lock()
	defer c.m.Unlock()
	return c.sessionPresent
}

// ended ends Connect's call with what CONNACK said.
func (c *ConnectToken) ended(err error, returnCode byte, sessionPresent bool) {
	c.end(err, func() { c.returnCode, c.sessionPresent = returnCode, sessionPresent })
}

// PublishToken is Publish's.
type PublishToken struct {
	baseToken
	messageID uint16
}

// MessageID returns the message's packet identifier. It is 0 at QoS 0.
func (p *PublishToken) MessageID() uint16 { return p.messageID }

// SubscribeToken is Subscribe's and SubscribeMultiple's.
type SubscribeToken struct {
	baseToken
	subs      []string
	subResult map[string]byte
	filters   []engine.Filter
}

// Result returns the server's answer to each filter: the granted QoS, or 128 for a refusal.
func (s *SubscribeToken) Result() map[string]byte {
	s.m.Lock()
	defer s.m.Unlock()
	return s.subResult
}

// granted ends the call with the server's answers.
func (s *SubscribeToken) granted(codes []byte) {
	s.end(nil, func() {
		for i, code := range codes {
			if i < len(s.subs) {
				s.subResult[s.subs[i]] = code
			}
		}
	})
}

// UnsubscribeToken is Unsubscribe's.
type UnsubscribeToken struct {
	baseToken
	filters []string
}

// DisconnectToken is here since the original exports it; no call returns one.
type DisconnectToken struct {
	baseToken
}

func newSubscribeToken() *SubscribeToken { return &SubscribeToken{subResult: map[string]byte{}} }

// MId is a packet identifier.
type MId uint16

// DummyToken is a token of no call: it has always ended.
type DummyToken struct {
	id uint16
}

// Wait returns true.
func (d *DummyToken) Wait() bool { return true }

// WaitTimeout returns true.
func (d *DummyToken) WaitTimeout(t time.Duration) bool { return true }

// Done returns a closed channel.
func (d *DummyToken) Done() <-chan struct{} { return closedChannel }

// Error returns nil.
func (d *DummyToken) Error() error { return nil }

func (d *DummyToken) flowComplete()    { packageLog.error(MID, "no call waits for identifier", d.id) }
func (d *DummyToken) setError(e error) {}

// PlaceHolderToken holds the place of an identifier that a stored message uses. It has always ended.
type PlaceHolderToken struct{}

// Wait returns true.
func (p *PlaceHolderToken) Wait() bool { return true }

// WaitTimeout returns true.
func (p *PlaceHolderToken) WaitTimeout(t time.Duration) bool { return true }

// Done returns a closed channel.
func (p *PlaceHolderToken) Done() <-chan struct{} { return closedChannel }

// Error returns nil.
func (p *PlaceHolderToken) Error() error { return nil }

func (p *PlaceHolderToken) flowComplete()    {}
func (p *PlaceHolderToken) setError(e error) {}

// TimedOut is what WaitTokenTimeout returns when the time ran out.
//
//lint:ignore ST1012 the name is the original's
var TimedOut = errors.New("context canceled")

// WaitTokenTimeout waits for a token for at most the given time, and returns its error or TimedOut.
func WaitTokenTimeout(t Token, d time.Duration) error {
	if !t.WaitTimeout(d) {
		return TimedOut
	}
	return t.Error()
}
