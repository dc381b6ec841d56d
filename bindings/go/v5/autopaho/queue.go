package autopaho

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/queued"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

const (
	longestTopic = 1<<16 - 1
	// largestPayload leaves room for the longest topic in the largest packet.
	largestPayload = 1<<28 - 1<<17
)

// queueRetryDelay is how long the queue is left alone after an error.
const queueRetryDelay = time.Second

// QueuePublish is a message for PublishViaQueue.
type QueuePublish struct {
	*paho.Publish
}

// PublishViaQueue puts a message into the queue, from which it is sent when there is a connection. It returns an error if that cannot be done; of what
// becomes of the message later the program hears nothing.
//
// For messages that shall survive the program, give ClientConfig.Queue and Session on disk, leave CleanStartOnInitialConnection false, and set
// SessionExpiryInterval to more than the connection may be lost for.
func (m *ConnectionManager) PublishViaQueue(ctx context.Context, p *QueuePublish) error {
	if p.Properties == nil && len(p.Topic) <= longestTopic && len(p.Payload) <= largestPayload && p.QoS <= 3 {
		// This can be encoded later, if at all: the queue in memory keeps the message.
		return m.cfg.Queue.Enqueue(&queued.Message{Packet: packets.Publish{
			Topic: p.Topic, QoS: p.QoS, Retain: p.Retain, Payload: bytes.Clone(p.Payload), Duplicate: p.Duplicate(),
		}})
	}
	var packet bytes.Buffer
	if _, err := p.Packet().WriteTo(&packet); err != nil {
		return err
	}
	return m.cfg.Queue.Enqueue(&packet)
}

// publishQueue sends what is in the queue whenever there is a connection, until ctx ends.
func (m *ConnectionManager) publishQueue(ctx context.Context) {
	for m.AwaitConnection(ctx) == nil && ctx.Err() == nil {
		link := m.link.Load()
		if link.client != nil {
			m.publishQueueOn(ctx, link)
		}
	}
}

// publishQueueOn sends what is in the queue on one connection, until that is lost or ctx ends.
func (m *ConnectionManager) publishQueueOn(ctx context.Context, on *link) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-on.over:
			return
		case <-m.cfg.Queue.Wait():
		}
		for {
			err := m.publishOldest(ctx, on.client)
			if errors.Is(err, queue.ErrEmpty) {
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-on.over:
				return
			default:
			}
			if err != nil {
				m.cfg.Errors.Printf("publishing from the queue: %s", err)
				pauseOn(ctx, on, queueRetryDelay)
			}
		}
	}
}

// pauseOn waits, but not longer than the connection lasts.
func pauseOn(ctx context.Context, on *link, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-on.over:
	case <-ctx.Done():
	}
}

// publishOldest sends the oldest entry of the queue. An error means that the entry is still there.
func (m *ConnectionManager) publishOldest(ctx context.Context, client *paho.Client) error {
	entry, err := m.cfg.Queue.Peek()
	if err != nil {
		return err
	}
	reader, err := entry.Reader()
	if err != nil {
		return errors.Join(err, entry.Leave())
	}
	message, err := readMessage(reader)
	if err != nil {
		// It will never be one that can be sent: it must not keep the others from being sent.
		m.cfg.Errors.Printf("an entry of the queue is no message: %s", err)
		return entry.Quarantine()
	}
	// The message is given to the session, where it is safe, and its acknowledgement is not waited for.
	publish := paho.Publish{QoS: message.QoS, Retain: message.Retain, Topic: message.Topic, Payload: message.Payload}
	if message.Properties != nil {
		publish.InitProperties(message.Properties)
	}
	_, err = client.PublishWithOptions(ctx, &publish, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
	switch {
	case err == nil:
	case errors.Is(err, paho.ErrInvalidArguments): // would be refused each time
		m.cfg.Errors.Printf("a message from the queue is dropped: %s", err)
	case errors.Is(err, paho.ErrNetworkErrorAfterStored): // the session sends it on the next connection
		m.cfg.Errors.Printf("a message from the queue is delayed: %s", err)
	default:
		return errors.Join(err, entry.Leave())
	}
	return entry.Remove()
}

// readMessage reads an entry of the queue.
func readMessage(reader io.Reader) (*packets.Publish, error) {
	if message, ok := reader.(*queued.Message); ok {
		return &message.Packet, nil
	}
	packet, err := packets.ReadPacket(reader)
	if err != nil {
		return nil, err
	}
	message, ok := packet.Content.(*packets.Publish)
	if !ok {
		return nil, fmt.Errorf("a %s packet", packet.PacketType())
	}
	return message, nil
}
