package engine

import "encoding/binary"

// Kind tells events apart. The numbers are those of paho_oxide.h.
type Kind uint16

// The kinds of events. Output and Wants stay inside this package.
const (
	Message          Kind = 1
	Done             Kind = 2
	Failed           Kind = 3
	Suback           Kind = 4
	Unsuback         Kind = 5
	Connected        Kind = 6
	ConnectFailed    Kind = 7
	Lost             Kind = 8
	ServerDisconnect Kind = 9
	Closed           Kind = 10
	Auth             Kind = 11
	Room             Kind = 12
	Output           Kind = 13
	Log              Kind = 14
	Wants            Kind = 15
	// WrittenUpTo is this package's own: publishes with QoS 0 and status Buffered whose tokens are not above Token have been written.
	WrittenUpTo Kind = 1 << 15
)

// Flags of messages.
const (
	FlagDuplicate = 1
	FlagRetained  = 2
)

// FlagSessionPresent is in Connected's flags if the server had a session.
const FlagSessionPresent = 1

// Why an operation failed: the flags of Failed.
const (
	FailedRefused    = 1
	FailedEnded      = 2
	FailedExpired    = 3
	FailedDropped    = 4
	FailedNotStored  = 5
	FailedNotAllowed = 6
	FailedCancelled  = 7
)

// How a connection was lost: the flags of Lost.
const (
	LostServerClosed = 1
	LostSocket       = 2
	LostNoPingresp   = 3
	LostProtocol     = 4
	LostNotStored    = 5
	LostAborted      = 6
)

// closedSaid is in the flags of Closed if DISCONNECT was said and the connection took all that was before it.
const closedSaid = 1

// Stages of an attempt to connect: the flags of ConnectFailed.
const (
	StageMQTT      = 0
	StageDeadline  = 6
	StageAbandoned = 7
)

// An Event is something that the engine tells. The slices are lent for the time of the call that gets the event.
type Event struct {
	Kind   Kind
	QoS    byte
	Flags  byte
	ID     uint16
	Reason uint16
	// Token is the operation's, or what acknowledges a message.
	Token uint64
	// Value is, for Done, the number of publishes that have ended, from Token on.
	Value      uint64
	Topic      []byte
	Properties []byte
	Payload    []byte
	// Err is, for Lost and ConnectFailed, why, as Go's net package would say it; for Closed, why DISCONNECT was not written, or nil.
	Err error
}

// recordHead is the length of a record's fixed part.
const recordHead = 48

// decode returns the first record's event, and the records behind it.
func decode(records []byte) (Event, []byte) {
	order := binary.NativeEndian
	size := order.Uint32(records)
	topic, props, payload := order.Uint32(records[12:]), order.Uint32(records[16:]), order.Uint32(records[20:])
	body := records[recordHead:size]
	return Event{
		Kind:       Kind(order.Uint16(records[4:])),
		QoS:        records[6],
		Flags:      records[7],
		ID:         order.Uint16(records[8:]),
		Reason:     order.Uint16(records[10:]),
		Token:      order.Uint64(records[24:]),
		Value:      order.Uint64(records[40:]),
		Topic:      body[:topic],
		Properties: body[topic : topic+props],
		Payload:    body[topic+props : topic+props+payload],
	}, records[size:]
}
