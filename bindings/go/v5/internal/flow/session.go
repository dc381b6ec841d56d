// Package flow has the sessions of packages state and paho on the engine: what is under way, from one connection to the next.
package flow

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	paholog "github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
)

// ErrInUse is the error of Attach when the session has a connection already.
var ErrInUse = errors.New("the session is in use by another connection")

// errClosed is what ends a client whose session is closed.
var errClosed = errors.New("the session has been closed")

// Of returns the session that a session.SessionManager of package state has, or nil for others. Package state sets it.
var Of = func(manager any) *Session { return nil }

// An Owner is the client that a session works for, while it has the connection. Its functions are called one at a time, on whichever
// goroutine made the event happen, and must not wait, but for Await. The event's bytes are lent for the call.
type Owner struct {
	Connected, Failed, Message, Auth, Ended func(*engine.Event)
	// Busy and Await keep more from being read while the owner has enough to do. See engine.Options.
	Busy  func() bool
	Await func()
}

// A Session is one client of the engine, and the calls that wait for it.
type Session struct {
	client, server Store

	// mu is held across calls into the engine that begin an operation: it may end, on another goroutine, before the call returns.
	mu      sync.Mutex
	calls   map[uint64]*Call
	streams []*Call // publishes with QoS 0 that a connection's goroutine is about to write, in their order
	mirror  *mirror
	// reserved are packet identifiers that a test has taken.
	reserved map[uint16]bool

	// life is held while the engine's client is made or ended.
	life   sync.Mutex
	engine atomic.Pointer[engine.Client]
	// held is true from Attach to Ended: only one owner at a time.
	held bool
	// forget says that what is under way has ended with the last connection.
	forget bool

	owner atomic.Pointer[Owner]
	// up is true from Connected to Ended.
	up     atomic.Bool
	errors atomic.Pointer[paholog.Logger]
}

// New returns a session that keeps what is under way in these stores. nil means that memory is enough.
func New(client, server Store) *Session {
	s := &Session{client: client, server: server}
	s.SetErrorLogger(paholog.NOOPLogger{})
	return s
}

// SetErrorLogger sets where lines about the stores go.
func (s *Session) SetErrorLogger(l paholog.Logger) { s.errors.Store(&l) }

func (s *Session) logError(format string, values ...any) {
	(*s.errors.Load()).Printf(format, values...)
}

// open makes the engine's client, unless there is one. The caller holds life.
func (s *Session) open() (*engine.Client, error) {
	if client := s.engine.Load(); client != nil {
		return client, nil
	}
	options := engine.Options{
		Handle:  s.handle,
		Busy:    s.busy,
		Await:   s.await,
		Version: 5,
		Flags:   engine.AckByProgram | engine.AckOrdered | engine.QoS2AtPublish,
	}
	directory, prefix, extension, isFiles := Directory(s.client)
	lent := func() error { return nil }
	if isFiles {
		options.Store = engine.Store{Directory: directory, Prefix: prefix, Extension: extension, Exact: true}
		if s.keepsReceived() {
			var err error
			if lent, err = (receivedFiles{directory, prefix, extension}).lend(s.server); err != nil {
				return nil, err
			}
		}
	}
	mirrored := s.client != nil && !isFiles && !InMemory(s.client)
	if mirrored {
		options.Flags |= engine.IDsAtAccept
	}
	client, err := engine.New(options)
	if isFiles && err != nil {
		err = fmt.Errorf("the session's directory %s cannot be opened, perhaps since another session has it: %w", directory, err)
	}
	if err == nil {
		if err = lent(); err != nil {
			client.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.giveReceivedBack())
	}
	runtime.AddCleanup(s, engine.Release, client.Handles())
	s.engine.Store(client)
	if mirrored {
		s.mirror = &mirror{session: s, store: s.client, ids: map[uint64]uint16{}}
	}
	return client, nil
}

// keepsReceived returns true if there is a server store that outlives the program.
func (s *Session) keepsReceived() bool { return s.server != nil && !InMemory(s.server) }

// giveReceivedBack gives the server store what the engine has given back.
func (s *Session) giveReceivedBack() error {
	directory, prefix, extension, isFiles := Directory(s.client)
	if !isFiles || !s.keepsReceived() {
		return nil
	}
	return receivedFiles{directory, prefix, extension}.giveBack(s.server)
}

// Attach sends CONNECT on a connection that has been made. The owner's Connected or Failed follows, and its Ended after Connected. When all is
// over, the owner calls Ended. After an error the connection is still the caller's, and Ended is not called.
func (s *Session) Attach(owner *Owner, connect *engine.Connect, attach func(*engine.Client) error) error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.held {
		return ErrInUse
	}
	client, err := s.open()
	if err == nil {
		s.owner.Store(owner)
		connect.Session = engine.SessionFollowServer
		if s.forget {
			connect.Session = engine.SessionClear
		}
		err = attach(client)
	}
	if err != nil {
		s.owner.Store(nil)
		return err
	}
	s.held, s.forget = true, false
	return nil
}

// Ended says what becomes of the session when a connection has ended. With expired, what is under way fails now; with released, files are
// given back, and what waits for an answer fails.
func (s *Session) Ended(expired, released bool) {
	s.life.Lock()
	defer s.life.Unlock()
	s.held = false
	if expired {
		s.forget = true
		s.failAll()
		if s.mirror != nil {
			s.mirror.clear()
		}
	}
	if _, _, _, isFiles := Directory(s.client); isFiles && released {
		s.end()
	}
}

// Release gives the files of a session back that no connection uses. What waits for an answer fails then.
func (s *Session) Release() {
	s.life.Lock()
	defer s.life.Unlock()
	if _, _, _, isFiles := Directory(s.client); isFiles && !s.held {
		s.end()
	}
}

// Close ends the session: what waits in it fails. A later connection begins it anew.
func (s *Session) Close() {
	s.life.Lock()
	defer s.life.Unlock()
	s.end()
}

// end ends the engine's client, if there is one. The caller holds life.
func (s *Session) end() {
	if client := s.engine.Swap(nil); client != nil {
		client.Close()
		if err := s.giveReceivedBack(); err != nil {
			s.logError("%s", err)
		}
	}
	if owner := s.owner.Swap(nil); owner != nil { // no event of the engine's tells it
		if s.up.Swap(false) {
			owner.Ended(&engine.Event{Kind: engine.Lost, Flags: engine.LostAborted, Err: errClosed})
		} else {
			owner.Failed(&engine.Event{Kind: engine.ConnectFailed, Flags: engine.StageAbandoned, Err: errClosed})
		}
	}
	s.failAll()
	s.mu.Lock()
	s.mirror = nil
	s.mu.Unlock()
}

// Engine returns the engine's client, or nil before the first connection and after Close.
func (s *Session) Engine() *engine.Client { return s.engine.Load() }

func (s *Session) busy() bool {
	owner := s.owner.Load()
	return owner != nil && owner.Busy()
}

func (s *Session) await() {
	if owner := s.owner.Load(); owner != nil {
		owner.Await()
	}
}

// handle takes the engine's events.
func (s *Session) handle(e *engine.Event) {
	switch e.Kind {
	case engine.Message:
		if owner := s.owner.Load(); owner != nil {
			owner.Message(e)
		}
	case engine.Done:
		s.done(e)
	case engine.Suback, engine.Unsuback, engine.Failed:
		s.answered(e.Token, e)
	case engine.WrittenUpTo:
		s.written(e.Token)
	case engine.Connected:
		if s.mirror != nil {
			s.mirror.connected(s.engine.Load(), e.Flags&engine.FlagSessionPresent != 0)
		}
		if owner := s.owner.Load(); owner != nil {
			s.up.Store(true)
			owner.Connected(e)
		}
	case engine.Auth:
		if owner := s.owner.Load(); owner != nil {
			owner.Auth(e)
		}
	case engine.ConnectFailed:
		if owner := s.owner.Swap(nil); owner != nil {
			owner.Failed(e)
		}
	case engine.Lost, engine.ServerDisconnect, engine.Closed:
		s.failStreams()
		if owner := s.owner.Swap(nil); owner != nil {
			s.up.Store(false)
			owner.Ended(e)
		}
	}
}

// InUse returns true while a client uses the session.
func (s *Session) InUse() bool { return s.owner.Load() != nil }

// Supported returns true for the session managers that clients can use, and for none.
func Supported(manager any) bool { return manager == nil || Of(manager) != nil }
