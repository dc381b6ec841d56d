package engine

import "time"

// Options are what a client is made with.
type Options struct {
	// Handle is called with each event, one call at a time, on whichever goroutine made the event happen. It must not wait, and must not call
	// Close.
	Handle func(*Event)
	// Busy and Await, if set, keep more from being read while the program has enough to do: Busy returns true then, and Await waits for the end
	// of that. No lock is held when they are called.
	Busy  func() bool
	Await func()
	// Version is the MQTT version that is assumed until the first connection: 3, 4 or 5.
	Version uint32
	// Flags are the bits below.
	Flags uint32
	// ClientID is the client identifier of attempts that give none, and part of a store's name.
	ClientID string
	// MaxBuffered is how many publishes may wait for a connection or for quota; 0 is 65,535.
	MaxBuffered uint32
	// Store is where operations under way are kept.
	Store Store
}

// Bits of Options.Flags.
const (
	AckByProgram  = 1
	AckOrdered    = 2
	QoS2AtPublish = 4
	BufferOffline = 8
	BufferQoS0    = 16
	IDsAtAccept   = 32
	NoRestore     = 64
)

// A Store says where operations under way are kept; its zero value means nowhere.
type Store struct {
	// Directory holds a file for each record, named as the Go clients name them.
	Directory         string
	Prefix, Extension string
	// Exact says that Prefix and Extension count though they are empty.
	Exact bool
}

// Session policies: what becomes of publishes under way when a connection begins.
const (
	SessionResend       = 0
	SessionKeep         = 1
	SessionFollowServer = 2
	SessionClear        = 3
)

// Connect is the CONNECT of one attempt, and how the attempt and its connection behave.
type Connect struct {
	// Version is the byte on the wire: 3, 4 or 5, or with 0x80 added for bridges.
	Version byte
	// Clean is the bit on the wire; Session is what the client does with what it has.
	Clean             bool
	Session           byte
	KeepAlive         uint16
	PingTimeout       time.Duration
	Deadline          time.Time
	MaxInFlight       uint32
	MaxResumeInFlight uint32
	// WriteTimeout limits each write, or how long a socket may take nothing where the engine writes. 0 means no limit.
	WriteTimeout time.Duration
	// ClientID nil means that of Options.
	ClientID *string
	Username *string
	// Password nil means none.
	Password   []byte
	Properties []byte
	Will       *Will
}

// A Will is published by the server when the connection ends without a DISCONNECT.
type Will struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties []byte
}

// A Publication is a message to be sent. Text is the payload if Payload is nil.
type Publication struct {
	Topic      string
	Payload    []byte
	Text       string
	Properties []byte
	QoS        byte
	Retain     bool
	Duplicate  bool
	// NoWait says that the message must be sent now, or refused with ErrRoom.
	NoWait bool
	// Now says that the call writes the message itself if it can: the caller waits until it is written.
	Now bool
	// Shared says that others wait for answers, too: they publish again when these come, which is at the same time. The writing goroutine writes
	// what they all publish at once.
	Shared bool
}

// Bits of Sent.Status.
const (
	Written   = 1
	SentNow   = 2
	Waits     = 4
	Unwritten = 8
	// eventsWait says that there are events which nobody is about to take.
	eventsWait = 16
	// Buffered is set for QoS 0 on connections that Go writes to: WrittenUpTo follows, and no Done.
	Buffered = 1 << 15
)

// Sent is what became of an accepted publish.
type Sent struct {
	Token  uint64
	ID     uint16
	Status uint16
}

// A Filter is one subscription that is asked for. Options are SUBSCRIBE's byte: the QoS, and more bits on MQTT 5.
type Filter struct {
	Topic   string
	Options byte
}

// An Operation has been accepted and has not ended.
type Operation struct {
	Token uint64
	ID    uint16
	QoS   byte
	State byte
}

// States of operations.
const (
	StateWaits       = 0
	StateSent        = 1
	StateReceived    = 2 // PUBREC came
	StateSubscribe   = 3
	StateUnsubscribe = 4
)
