package mqtt

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

var (
	errAlreadyConnected = errors.New("status is already connected or reconnecting")
	errNotDisconnected  = errors.New("status can only transition to connecting from disconnected")
	errAborted          = errors.New("disconnect called whist connection attempt in progress")
)

// A phase says where a client stands.
type phase int32

const (
	disconnected phase = iota
	// disconnecting: Disconnect has been called, and what it ends has not ended yet.
	disconnecting
	// connecting: Connect's goroutine is at work. It alone leaves this phase, though Disconnect turns it into disconnecting.
	connecting
	// reconnecting: the connection is lost, and a goroutine is at work to make a new one.
	reconnecting
	connected
)

// status holds a client's phase. A read takes no lock: Publish reads it for each message.
type status struct {
	mu    sync.Mutex
	phase atomic.Int32
	// From Connect to the end of Disconnect: cancel ends what is under way, and ended is closed at the end.
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}
}

func (s *status) now() phase { return phase(s.phase.Load()) }

// connect begins to connect. What is done for it shall end with the context.
func (s *status) connect() (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.now() {
	case connected, reconnecting:
		return nil, errAlreadyConnected
	case connecting, disconnecting:
		return nil, errNotDisconnected
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
	s.phase.Store(int32(connecting))
	return s.ctx, nil
}

// up says that there is a connection. It returns false if Disconnect has been called meanwhile.
func (s *status) up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.now(); at != connecting && at != reconnecting {
		return false
	}
	s.phase.Store(int32(connected))
	return true
}

// lost says that the connection has ended by itself. If again is true the client is now reconnecting, with the context for that; else it is
// disconnected. The second result is false if the client was not connected, so that this is nothing new.
func (s *status) lost(again bool) (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now() != connected {
		return nil, false
	}
	if again {
		s.phase.Store(int32(reconnecting))
		return s.ctx, true
	}
	s.finish()
	return nil, true
}

// disconnect begins to disconnect. It returns the phase before, and a channel that is closed at the end.
func (s *status) disconnect() (phase, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.now()
	if before != disconnected && before != disconnecting {
		s.phase.Store(int32(disconnecting))
		s.cancel()
	}
	return before, s.ended
}

// idle says that everything has ended.
func (s *status) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now() != disconnected {
		s.finish()
	}
}

func (s *status) finish() {
	s.phase.Store(int32(disconnected))
	s.cancel()
	close(s.ended)
}
