// Package rpc sends requests and waits for their responses, on one connection.
package rpc

import (
	"context"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/request"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// Handler takes the responses of one client: those that come to <client identifier>/responses.
type Handler struct {
	sync.Mutex
	client  *paho.Client
	topic   string
	pending *request.Pending
}

// NewHandler subscribes to the responses. The client must be connected.
func NewHandler(ctx context.Context, c *paho.Client) (*Handler, error) {
	h := &Handler{client: c, topic: c.ClientID() + "/responses"}
	h.pending = request.New(&h.Mutex)
	remove := c.AddOnPublishReceived(func(received paho.PublishReceived) (bool, error) {
		if received.Packet.Topic != h.topic {
			return false, nil
		}
		h.pending.Response(received.Packet)
		return true, nil
	})
	_, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: h.topic, QoS: 1}}})
	if err != nil {
		remove()
		return nil, err
	}
	return h, nil
}

// Request publishes pb, with a response topic and correlation data, and waits for the response until ctx ends.
func (h *Handler) Request(ctx context.Context, pb *paho.Publish) (*paho.Publish, error) {
	return h.pending.Do(ctx, pb, h.topic, h.client.Publish)
}
