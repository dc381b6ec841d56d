package mqtt

import (
	"bytes"
	"errors"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// roomTimeout is how long calls wait for room in the engine's queue if there is no WriteTimeout.
const roomTimeout = 30 * time.Second

var (
	errPayloadType        = errors.New("unknown payload type")
	errNoIDs              = errors.New("no message IDs available")
	errPublishTimeout     = errors.New("publish was broken by timeout")
	errSubscribeTimeout   = errors.New("subscribe was broken by timeout")
	errUnsubscribeTimeout = errors.New("unsubscribe was broken by timeout")
)

func (c *client) Publish(topic string, qos byte, retained bool, payload interface{}) Token {
	token := &PublishToken{}
	at := c.status.now()
	if at != connected {
		if !c.IsConnected() {
			token.setError(ErrNotConnected)
			return token
		}
		if qos == 0 { // there is nowhere to send it, and it is not kept
			token.flowComplete()
			return token
		}
	}
	message := engine.Publication{Topic: topic, QoS: qos, Retain: retained}
	switch p := payload.(type) {
	case string:
		message.Text = p
	case []byte:
		message.Payload = p
	case bytes.Buffer:
		message.Payload = p.Bytes()
	default:
		token.setError(errPayloadType)
		return token
	}
	if qos > 2 {
		token.setError(ErrInvalidQos)
		return token
	}
	if err := c.withRoom(errPublishTimeout, func() error { return c.publish(&message, token) }); err != nil {
		token.setError(err)
	}
	return token
}

// publish gives a message to the engine, and notes its token unless it has ended.
func (c *client) publish(message *engine.Publication, token *PublishToken) error {
	s := c.session.Load()
	if s == nil {
		return ErrNotConnected
	}
	c.pending.Lock()
	message.Shared = message.QoS > 0 && len(c.pending.calls) > 0
	sent, err := s.engine.Publish(message)
	if err == nil {
		token.messageID = sent.ID
		if s.store != nil && message.QoS > 0 {
			s.keep(sent.ID, asPacket(message))
		}
		switch {
		case message.QoS > 0, sent.Status&(engine.Written|engine.Buffered) == 0:
			c.pending.add(sent.Token, token)
		case sent.Status&engine.Buffered != 0:
			c.pending.unwritten = append(c.pending.unwritten, unwritten{sent.Token, token})
		}
	}
	c.pending.Unlock()
	if err == nil && message.QoS == 0 && sent.Status&engine.Written != 0 {
		token.flowComplete()
	}
	return err
}

// asPacket returns a message in the form that stores take. Its payload is a copy, for the store may keep it.
func asPacket(message *engine.Publication) *packets.PublishPacket {
	packet := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	packet.TopicName, packet.Qos, packet.Retain = message.Topic, message.QoS, message.Retain
	packet.Payload = []byte(message.Text)
	if message.Payload != nil {
		packet.Payload = bytes.Clone(message.Payload)
	}
	return packet
}

// withRoom makes a call into the engine, again and again while the engine has no room for it, up to the WriteTimeout.
func (c *client) withRoom(timedOut error, call func() error) error {
	err := call()
	if !errors.Is(err, engine.ErrRoom) {
		return c.callError(err)
	}
	limit := c.options.WriteTimeout
	if limit == 0 {
		limit = roomTimeout
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s := c.session.Load()
		if s == nil {
			return ErrNotConnected
		}
		room := s.engine.Room()
		if err = call(); !errors.Is(err, engine.ErrRoom) {
			return c.callError(err)
		}
		select {
		case <-room:
		case <-timer.C:
			return timedOut
		}
	}
}

// callError returns what programs know of an engine's error.
func (c *client) callError(err error) error {
	switch {
	case errors.Is(err, engine.ErrNoID):
		return errNoIDs
	case errors.Is(err, engine.ErrDisconnected):
		return ErrNotConnected
	}
	return err
}
