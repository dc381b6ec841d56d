package paho

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
)

// PublishMethod says when PublishWithOptions returns.
type PublishMethod int

const (
	// PublishMethod_Blocking waits for the last acknowledgement.
	PublishMethod_Blocking PublishMethod = iota
	// PublishMethod_AsyncSend waits only until the message is under way.
	PublishMethod_AsyncSend
)

// PublishOptions are what PublishWithOptions does otherwise than Publish.
type PublishOptions struct {
	Method PublishMethod
}

// errNotAcknowledged is the error of publishes that the session has given up. The text is the original's.
var errNotAcknowledged = errors.New("PUBLISH transmitted but not fully acknowledged at time of shutdown")

// Publish sends a message and waits: with QoS 0 until it is written, else for the last acknowledgement, at most for the PacketTimeout. A
// message whose time has run out may still be delivered. The client does not use p or its payload any more when Publish has returned.
func (c *Client) Publish(ctx context.Context, p *Publish) (*PublishResponse, error) {
	return c.PublishWithOptions(ctx, p, PublishOptions{})
}

// PublishWithOptions is Publish that may not wait for acknowledgements. It returns nil for the response then.
func (c *Client) PublishWithOptions(ctx context.Context, p *Publish, o PublishOptions) (*PublishResponse, error) {
	if err := c.allowed(p); err != nil {
		return nil, err
	}
	if c.config.PublishHook != nil {
		c.config.PublishHook(p)
	}
	if p.QoS > 2 {
		return nil, fmt.Errorf("%w: QoS isn't 0, 1 or 2", ErrInvalidArguments)
	}
	message := engine.Publication{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain, Duplicate: p.duplicate}
	if p.Properties != nil {
		var err error
		if message.Properties, err = p.Packet().Properties.Pack(packets.PUBLISH); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalidArguments, err)
		}
	}
	async := o.Method == PublishMethod_AsyncSend
	message.NoWait = async && p.QoS > 0
	message.Now = p.QoS == 0

	limit := c.config.PacketTimeout
	deadline := time.Now().Add(limit)
	call := flow.NewCall()
	defer c.flow.Free(call)
	if err := c.send(ctx, &message, call, deadline); err != nil {
		return nil, err
	}
	switch {
	case p.QoS == 0 && call.Sent.Status&engine.Written != 0:
		return &PublishResponse{}, nil
	case p.QoS == 0:
		return c.untilWritten(ctx, call, limit)
	case async:
		return nil, nil
	}
	return c.untilAcknowledged(ctx, call, deadline)
}

// allowed returns an error for messages that the server has said that it does not take.
func (c *Client) allowed(p *Publish) error {
	c.mu.Lock()
	limits := c.limits
	c.mu.Unlock()
	alias := (*uint16)(nil)
	if p.Properties != nil {
		alias = p.Properties.TopicAlias
	}
	switch {
	case p.QoS > limits.MaximumQoS:
		return fmt.Errorf("%w: cannot send Publish with QoS %d, server maximum QoS is %d", ErrInvalidArguments, p.QoS, limits.MaximumQoS)
	case alias != nil && limits.TopicAliasMaximum > 0 && *alias > limits.TopicAliasMaximum:
		return fmt.Errorf("%w: cannot send publish with TopicAlias %d, server topic alias maximum is %d", ErrInvalidArguments, *alias,
			limits.TopicAliasMaximum)
	case p.Retain && !limits.RetainAvailable:
		return fmt.Errorf("%w: cannot send Publish with retain flag set, server does not support retained messages", ErrInvalidArguments)
	case p.Topic == "" && alias == nil:
		return fmt.Errorf("%w: cannot send a publish with no TopicAlias and no Topic set", ErrInvalidArguments)
	}
	return nil
}

// send gives a message to the engine, again and again while the engine has no room for it.
func (c *Client) send(ctx context.Context, message *engine.Publication, call *flow.Call, deadline time.Time) error {
	for {
		client := c.flow.Engine()
		if client == nil || !c.up.Load() {
			return session.ErrNoConnection
		}
		err := c.flow.Publish(message, call)
		if !errors.Is(err, engine.ErrRoom) {
			return c.callError(err)
		}
		room := client.Room()
		if err = c.flow.Publish(message, call); !errors.Is(err, engine.ErrRoom) {
			return c.callError(err)
		}
		if err := c.await(ctx, room, deadline); err != nil {
			return err
		}
	}
}

// await waits for room.
func (c *Client) await(ctx context.Context, room <-chan struct{}, deadline time.Time) error {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-room:
		return nil
	case <-c.lost:
		return session.ErrNoConnection
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return context.DeadlineExceeded
	}
}

// untilWritten waits until a message with QoS 0 has been written.
func (c *Client) untilWritten(ctx context.Context, call *flow.Call, limit time.Duration) (*PublishResponse, error) {
	switch call.Wait(ctx.Done(), nil, limit) {
	case flow.Cancelled:
		return nil, ctx.Err()
	case flow.TimedOut:
		return nil, context.DeadlineExceeded
	}
	if call.Result.Kind == engine.Failed {
		return nil, c.failed(call)
	}
	return &PublishResponse{}, nil
}

// untilAcknowledged waits for the last acknowledgement. A message that has not been sent when the wait ends is taken back.
func (c *Client) untilAcknowledged(ctx context.Context, call *flow.Call, deadline time.Time) (*PublishResponse, error) {
	var lost <-chan struct{}
	if call.Sent.Status&engine.Waits != 0 {
		lost = c.lost
	}
	for {
		var err error
		switch call.Wait(ctx.Done(), lost, time.Until(deadline)) {
		case flow.Answered:
			return c.acknowledged(call)
		case flow.ConnectionLost:
			lost = nil
			if !c.takeBack(call) {
				continue // it was sent: the acknowledgement may come on a later connection
			}
			return nil, session.ErrNoConnection
		case flow.Cancelled:
			err = ctx.Err()
		case flow.TimedOut:
			err = context.DeadlineExceeded
		}
		c.debug.Println("no acknowledgement:", err)
		if call.Sent.Status&engine.Waits != 0 {
			c.takeBack(call)
		}
		return nil, err
	}
}

// takeBack has a message not be sent. It returns false if it has been sent.
func (c *Client) takeBack(call *flow.Call) bool {
	client := c.flow.Engine()
	return client == nil || client.Cancel(call.Token) == nil
}

// acknowledged returns what the last acknowledgement says.
func (c *Client) acknowledged(call *flow.Call) (*PublishResponse, error) {
	result := &call.Result
	if result.Kind == engine.Failed && result.Flags != engine.FailedRefused {
		return nil, c.failed(call)
	}
	kind := packets.PUBACK
	if call.QoS == 2 {
		kind = packets.PUBCOMP
		if result.Kind == engine.Failed {
			kind = packets.PUBREC
		}
	}
	response := publishResponse(result.Reason, properties(result.Properties, kind))
	if call.QoS == 1 && result.Reason >= 0x80 {
		return response, fmt.Errorf("error publishing: %s", (&packets.Puback{ReasonCode: result.Reason}).Reason())
	}
	return response, nil
}

// failed returns the error of a publish that the engine has given up.
func (c *Client) failed(call *flow.Call) error {
	switch call.Result.Flags {
	case engine.FailedEnded:
		if call.QoS == 0 {
			return ErrConnectionLost
		}
		return errNotAcknowledged
	case engine.FailedNotAllowed:
		return fmt.Errorf("%w: the server does not allow it", ErrInvalidArguments)
	case engine.FailedNotStored:
		return errors.New("the session's store refused the message")
	case engine.FailedExpired:
		return errors.New("the message expired before it could be sent")
	case engine.FailedCancelled:
		return session.ErrNoConnection
	}
	return errNotAcknowledged
}

// callError returns what programs know of an engine's error.
func (c *Client) callError(err error) error {
	switch {
	case errors.Is(err, engine.ErrDisconnected), errors.Is(err, engine.ErrClosed):
		return session.ErrNoConnection
	case errors.Is(err, engine.ErrNoID):
		return session.ErrPacketIdentifiersExhausted
	case errors.Is(err, engine.ErrArgument), errors.Is(err, engine.ErrNotAllowed):
		return fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	return err
}
