// Package session describes what outlives a connection: the messages and packet identifiers that are under way.
//
// The sessions that clients can use are those of package state, whose work the engine does.
package session

import (
	"context"
	"errors"
	"io"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	paholog "github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
)

var (
	// ErrNoConnection is the error of calls that need a connection when there is none.
	ErrNoConnection = errors.New("no connection available")
	// ErrPacketIdentifiersExhausted is the error of calls that need a packet identifier when none is free.
	ErrPacketIdentifiersExhausted = errors.New("all packet identifiers in use")
	// ErrOnlyByClient is returned by functions of a session that only a client's engine may do the work of. The original, where the client
	// and its session are two programs that exchange packets, has no such error.
	ErrOnlyByClient = errors.New("paho-oxide: the engine does this for the client that uses the session")
)

// A Packet can be given a packet identifier and be written.
type Packet interface {
	SetIdentifier(uint16)
	Type() byte
	WriteTo(io.Writer) (int64, error)
}

// A SessionManager keeps what outlives a connection. Clients take those of package state only: others get paho.ErrUnsupportedSession.
type SessionManager interface {
	// ConAckReceived begins a connection.
	ConAckReceived(io.Writer, *packets.Connect, *packets.Connack) error
	// ConnectionLost ends a connection. The argument is the DISCONNECT of the server, or nil.
	ConnectionLost(dp *packets.Disconnect) error
	// AddToSession gives a packet its identifier and keeps it.
	AddToSession(ctx context.Context, packet Packet, resp chan<- packets.ControlPacket) error
	// PacketReceived takes a packet of the server.
	PacketReceived(*packets.ControlPacket, chan<- *packets.Publish) error
	// Ack acknowledges a message.
	Ack(pb *packets.Publish) error
	// Close ends the session: what waits in it ends with an error.
	Close() error
	// SetErrorLogger sets where lines about errors go.
	SetErrorLogger(l paholog.Logger)
	// SetDebugLogger sets where lines for debugging go.
	SetDebugLogger(l paholog.Logger)
}
