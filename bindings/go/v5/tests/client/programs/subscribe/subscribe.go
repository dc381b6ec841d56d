// Package subscribe shows SUBSCRIBE and UNSUBSCRIBE on the wire, and what is made of answers.
package subscribe

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

var words = &packets.Properties{ReasonString: "because", User: []packets.User{{Key: "k", Value: "v"}}}

func subscribe(c *paho.Client, s *kit.Conn, request *paho.Subscribe, reasons ...byte) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a, err := c.Subscribe(kit.Context(), request)
		if a == nil {
			kit.Print("suback", nil, err, errors.Is(err, paho.ErrInvalidArguments))
			return
		}
		kit.Print("suback", a.Reasons, *a.Properties, err)
	}()
	if reasons != nil {
		p := s.Expect("sent")
		s.Send(&packets.Suback{PacketID: p.PacketID(), Reasons: reasons, Properties: words})
	}
	kit.Recv(ended, "SUBACK")
}

func unsubscribe(c *paho.Client, s *kit.Conn, request *paho.Unsubscribe, reasons ...byte) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a, err := c.Unsubscribe(kit.Context(), request)
		kit.Print("unsuback", a.Reasons, *a.Properties, err)
	}()
	p := s.Expect("sent")
	s.Send(&packets.Unsuback{PacketID: p.PacketID(), Reasons: reasons, Properties: words})
	kit.Recv(ended, "UNSUBACK")
}

// Run runs the program.
func Run() {
	c, s := kit.Connected(paho.ClientConfig{}, kit.Connect(), &packets.Connack{})
	one := func(o paho.SubscribeOptions) *paho.Subscribe {
		return &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{o}}
	}
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "a"}), 0)
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "a/#", QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 2}), 2)
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "$share/g/a", QoS: 1, RetainHandling: 1}), 1)
	subscribe(c, s, &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: "a", QoS: 1}, {Topic: "b/+", QoS: 2}},
		Properties:    &paho.SubscribeProperties{SubscriptionIdentifier: kit.Pointer(300), User: paho.UserProperties{{Key: "u", Value: "p"}}},
	}, 0, 2)
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "no"}), 0x87)
	subscribe(c, s, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a"}, {Topic: "b"}}}, 0, 0x8f)
	unsubscribe(c, s, &paho.Unsubscribe{Topics: []string{"a"}}, 0)
	unsubscribe(c, s, &paho.Unsubscribe{Topics: []string{"a", "b"}, Properties: &paho.UnsubscribeProperties{User: paho.UserProperties{{Key: "u", Value: "p"}}}}, 0, 0x11)
	unsubscribe(c, s, &paho.Unsubscribe{Topics: []string{"a"}}, 0x87)
	unsubscribe(c, s, &paho.Unsubscribe{Topics: []string{"a", "b"}}, 0x80, 0)
	kit.Print(c.Disconnect(&paho.Disconnect{}))

	c, s = kit.Connected(paho.ClientConfig{PacketTimeout: 3 * time.Second}, kit.Connect(), &packets.Connack{Properties: &packets.Properties{
		WildcardSubAvailable: kit.Pointer(byte(0)), SubIDAvailable: kit.Pointer(byte(0)), SharedSubAvailable: kit.Pointer(byte(0)),
	}})
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "a/#"}))
	subscribe(c, s, one(paho.SubscribeOptions{Topic: "a/+/b"}))
	subscribe(c, s, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a"}}, Properties: &paho.SubscribeProperties{SubscriptionIdentifier: kit.Pointer(1)}})
	_, err := c.Subscribe(kit.Context(), one(paho.SubscribeOptions{Topic: "a"}))
	kit.Print("no answer", err)
	_, err = c.Unsubscribe(kit.Context(), &paho.Unsubscribe{Topics: []string{"a"}})
	kit.Print("no answer", err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.Subscribe(ctx, one(paho.SubscribeOptions{Topic: "a"}))
	kit.Print("cancelled", err)
	kit.Print(c.Disconnect(&paho.Disconnect{}))
}
