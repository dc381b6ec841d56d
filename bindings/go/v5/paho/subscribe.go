package paho

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
)

// refusal is the first reason code that is an error.
const refusal = 0x80

// Subscribe asks the server for messages, and waits for the answer, at most for the PacketTimeout. If the server refuses a subscription, both
// the Suback and an error are returned.
func (c *Client) Subscribe(ctx context.Context, s *Subscribe) (*Suback, error) {
	if err := c.subscribable(s); err != nil {
		return nil, err
	}
	packet := s.Packet()
	encoded, err := packet.Properties.Pack(packets.SUBSCRIBE)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	filters := make([]engine.Filter, len(packet.Subscriptions))
	for i := range packet.Subscriptions {
		filters[i] = engine.Filter{Topic: packet.Subscriptions[i].Topic, Options: packet.Subscriptions[i].Pack()}
	}
	c.debug.Printf("subscribing to %+v", s.Subscriptions)
	call := flow.NewCall()
	defer c.flow.Free(call)
	if err := c.ask(ctx, call, func() error { return c.flow.Subscribe(filters, encoded, call) }); err != nil {
		return nil, err
	}
	suback := SubackFromPacketSuback(&packets.Suback{
		Reasons: call.Result.Payload, Properties: properties(call.Result.Properties, packets.SUBACK),
	})
	return suback, refused(suback.Reasons, "failed to subscribe to topic: "+suback.Properties.ReasonString,
		"at least one requested subscription failed")
}

// subscribable returns an error for subscriptions that the server has said that it does not take.
func (c *Client) subscribable(s *Subscribe) error {
	c.mu.Lock()
	limits := c.limits
	c.mu.Unlock()
	if s.Properties != nil && s.Properties.SubscriptionIdentifier != nil && !limits.SubIDAvailable {
		return fmt.Errorf("%w: cannot send subscribe with subID set, server does not support subID", ErrInvalidArguments)
	}
	for _, subscription := range s.Subscriptions {
		switch {
		case !limits.WildcardSubAvailable && strings.ContainsAny(subscription.Topic, "#+"):
			return fmt.Errorf("%w: cannot subscribe to %s, server does not support wildcards", ErrInvalidArguments, subscription.Topic)
		case !limits.SharedSubAvailable && strings.HasPrefix(subscription.Topic, "$share"):
			return fmt.Errorf("%w: cannot subscribe to %s, server does not support shared subscriptions", ErrInvalidArguments,
				subscription.Topic)
		}
	}
	return nil
}

// Unsubscribe ends subscriptions, and waits for the answer, at most for the PacketTimeout. If the server refuses, both the Unsuback and an
// error are returned.
func (c *Client) Unsubscribe(ctx context.Context, u *Unsubscribe) (*Unsuback, error) {
	packet := u.Packet()
	encoded, err := packet.Properties.Pack(packets.UNSUBSCRIBE)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	c.debug.Printf("unsubscribing from %+v", u.Topics)
	call := flow.NewCall()
	defer c.flow.Free(call)
	if err := c.ask(ctx, call, func() error { return c.flow.Unsubscribe(packet.Topics, encoded, call) }); err != nil {
		return nil, err
	}
	unsuback := UnsubackFromPacketUnsuback(&packets.Unsuback{
		Reasons: call.Result.Payload, Properties: properties(call.Result.Properties, packets.UNSUBACK),
	})
	return unsuback, refused(unsuback.Reasons, "failed to unsubscribe from topic: "+unsuback.Properties.ReasonString,
		"at least one requested unsubscribe failed")
}

// refused returns an error if a reason code is one.
func refused(reasons []byte, single, several string) error {
	for _, reason := range reasons {
		switch {
		case reason < refusal:
		case len(reasons) == 1:
			return errors.New(single)
		default:
			return errors.New(several)
		}
	}
	return nil
}

// ask sends a SUBSCRIBE or UNSUBSCRIBE and waits for the answer.
func (c *Client) ask(ctx context.Context, call *flow.Call, send func() error) error {
	if !c.up.Load() {
		return session.ErrNoConnection
	}
	if err := send(); err != nil {
		return c.callError(err)
	}
	switch call.Wait(ctx.Done(), nil, c.config.PacketTimeout) {
	case flow.Cancelled:
		return ctx.Err()
	case flow.TimedOut:
		return context.DeadlineExceeded
	}
	if call.Result.Kind != engine.Failed {
		return nil
	}
	if call.Result.Flags == engine.FailedEnded {
		return ErrConnectionLost
	}
	return c.failed(call)
}
