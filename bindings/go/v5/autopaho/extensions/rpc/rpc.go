// Package rpc sends requests and waits for their responses, on a connection that autopaho keeps.
package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/request"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// HandlerOpts says which responses a Handler takes.
type HandlerOpts struct {
	Conn             *autopaho.ConnectionManager
	Router           paho.Router // must be called with the messages of the connection
	ResponseTopicFmt string      // the topic of the responses, with %s for the client identifier
	ClientID         string
}

// Handler takes the responses to its requests.
type Handler struct {
	sync.Mutex
	manager *autopaho.ConnectionManager
	topic   string
	pending *request.Pending
}

// NewHandler subscribes to the responses. There must be a connection. After a connection on which the server does not know the session, the program
// subscribes again.
func NewHandler(ctx context.Context, opts HandlerOpts) (*Handler, error) {
	h := &Handler{manager: opts.Conn, topic: fmt.Sprintf(opts.ResponseTopicFmt, opts.ClientID)}
	h.pending = request.New(&h.Mutex)
	opts.Router.RegisterHandler(h.topic, h.pending.Response)
	_, err := opts.Conn.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: h.topic, QoS: 1}}})
	if err != nil {
		opts.Router.UnregisterHandler(h.topic)
		return nil, err
	}
	return h, nil
}

// Request publishes pb, with a response topic and correlation data, and waits for the response until ctx ends.
func (h *Handler) Request(ctx context.Context, pb *paho.Publish) (resp *paho.Publish, err error) {
	resp, err = h.pending.Do(ctx, pb, h.topic, h.manager.Publish)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("context ended: %w", err)
	}
	return resp, err
}
