package mqtt

import "sync/atomic"

// A Message is one that has been received.
type Message interface {
	// Duplicate returns true if the server may have sent the message before.
	Duplicate() bool
	// Qos returns the QoS with which the message came.
	Qos() byte
	// Retained returns true if the server had kept the message for new subscribers.
	Retained() bool
	Topic() string
	// MessageID returns the packet identifier, 0 at QoS 0.
	MessageID() uint16
	// Payload returns the message's bytes. They belong to the receiver.
	Payload() []byte
	// Ack acknowledges the message. Only the first call counts. Unless AutoAckDisabled is set, the client calls it after the handler.
	Ack()
}

// message is one received message. Its payload is memory of its own, which the program may keep and change.
type message struct {
	session   *session
	topic     string
	payload   []byte
	ackToken  uint64
	messageID uint16
	qos       byte
	duplicate bool
	retained  bool
	acked     atomic.Bool
}

func (m *message) Duplicate() bool   { return m.duplicate }
func (m *message) Qos() byte         { return m.qos }
func (m *message) Retained() bool    { return m.retained }
func (m *message) Topic() string     { return m.topic }
func (m *message) MessageID() uint16 { return m.messageID }
func (m *message) Payload() []byte   { return m.payload }

func (m *message) Ack() {
	if m.qos > 0 && !m.acked.Swap(true) {
		m.session.acks.add(m.ackToken)
	}
}

// size is what the message counts for in the inbox's bound.
func (m *message) size() int { return len(m.topic) + len(m.payload) }
