// Package state has the sessions that clients use. The engine does their work: a State is a name for what is under way, which clients are
// given one after the other.
package state

import (
	"context"
	"errors"
	"io"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	paholog "github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
)

// ErrUnexpectedRelease is here since the original exports it; no function returns it.
var ErrUnexpectedRelease = errors.New("release called when quota at initial value")

// storer is a store for packets. Packages paho/store/memory and paho/store/file have one each.
type storer interface {
	Put(packetID uint16, packetType byte, w io.WriterTo) error
	Get(packetID uint16) (io.ReadCloser, error)
	Delete(id uint16) error
	Quarantine(id uint16) error
	List() ([]uint16, error)
	Reset() error
}

// A State is a session. One client at a time can use it; the next one goes on where the last one ended.
type State struct {
	flow *flow.Session
}

var _ session.SessionManager = (*State)(nil)

func init() {
	flow.Of = func(manager any) *flow.Session {
		if s, ok := manager.(*State); ok && s != nil {
			return s.flow
		}
		return nil
	}
}

// New returns a session that keeps what is under way in a store.
//
// A client store of package file is opened by the engine, which reads and writes the same files. What the server store says of messages with
// QoS 2 that the server has sent is taken over then, and given back when the files are. A client store of the program's own is told of each
// message with QoS 1 and 2 that is under way; the server store is not used then.
func New(client storer, server storer) *State { return &State{flow.New(client, server)} }

// NewInMemory returns a session that is gone when the program ends.
func NewInMemory() *State { return &State{flow.New(nil, nil)} }

// Close ends the session: calls that wait in it end with an error, and files are given back.
func (s *State) Close() error {
	s.flow.Close()
	return nil
}

// ConAckReceived returns session.ErrOnlyByClient.
func (s *State) ConAckReceived(conn io.Writer, cp *packets.Connect, ca *packets.Connack) error {
	return session.ErrOnlyByClient
}

// ConnectionLost does nothing: the engine knows.
func (s *State) ConnectionLost(dp *packets.Disconnect) error { return nil }

// AddToSession returns session.ErrNoConnection without a connection, and else session.ErrOnlyByClient.
func (s *State) AddToSession(ctx context.Context, packet session.Packet, resp chan<- packets.ControlPacket) error {
	if !s.flow.InUse() {
		return session.ErrNoConnection
	}
	return session.ErrOnlyByClient
}

// PacketReceived returns session.ErrOnlyByClient.
func (s *State) PacketReceived(recv *packets.ControlPacket, pubChan chan<- *packets.Publish) error {
	return session.ErrOnlyByClient
}

// Ack returns session.ErrOnlyByClient.
func (s *State) Ack(pb *packets.Publish) error { return session.ErrOnlyByClient }

// SetDebugLogger does nothing: the lines for debugging are the client's.
func (s *State) SetDebugLogger(l paholog.Logger) {}

// SetErrorLogger sets where lines about the store go.
func (s *State) SetErrorLogger(l paholog.Logger) { s.flow.SetErrorLogger(l) }

// AllocateClientPacketIDForTest takes a packet identifier out of use. It counts as one that is under way; which numbers the engine uses is
// its own affair.
func (s *State) AllocateClientPacketIDForTest(packetID uint16, forPacketType byte, resp chan<- packets.ControlPacket) {
	s.flow.Reserve(packetID)
}
