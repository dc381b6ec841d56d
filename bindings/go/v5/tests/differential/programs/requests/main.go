// Command requests prints what a server's answers become.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	cfg := kit.Config(s)
	cfg.PacketTimeout = kit.Patience / 4 // the original waits that long for the answer to what was lost
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	conn.Answer(&packets.Connack{Properties: &packets.Properties{MaximumQOS: paho.Byte(1), RetainAvailable: paho.Byte(0),
		WildcardSubAvailable: paho.Byte(0), SharedSubAvailable: paho.Byte(0), SubIDAvailable: paho.Byte(0), TopicAliasMaximum: paho.Uint16(2)}})
	kit.Must(m.AwaitConnection(kit.Context()))
	publish := func(p *paho.Publish) <-chan string {
		return kit.Go(func() (*paho.PublishResponse, error) { return m.Publish(kit.Context(), p) }, kit.Response)
	}
	kit.Print(kit.Recv(publish(&paho.Publish{Topic: "zero", Payload: []byte("p")}), "response"))
	conn.Expect("zero")
	for _, reason := range []byte{0, 0x10, 0x97} {
		result := publish(&paho.Publish{Topic: "one", QoS: 1, Payload: []byte("p")})
		p := conn.Expect("one")
		conn.Send(&packets.Puback{PacketID: p.PacketID(), ReasonCode: reason,
			Properties: &packets.Properties{ReasonString: "why", User: []packets.User{{Key: "k", Value: "v"}}}})
		kit.Print(kit.Recv(result, "response"))
	}
	for _, p := range []*paho.Publish{
		{Topic: "two", QoS: 2}, {Topic: "retained", Retain: true}, {Topic: ""}, {Topic: "a", Properties: &paho.PublishProperties{TopicAlias: paho.Uint16(3)}},
	} {
		_, err := m.Publish(kit.Context(), p)
		kit.Print(p.Topic, err != nil, errors.Is(err, paho.ErrInvalidArguments))
	}
	for _, o := range []paho.SubscribeOptions{{Topic: "wild/#"}, {Topic: "$share/g/t"}} {
		_, err := m.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{o}})
		kit.Print(o.Topic, err != nil, errors.Is(err, paho.ErrInvalidArguments))
	}
	identifier := 7
	_, err = m.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}, Properties: &paho.SubscribeProperties{SubscriptionIdentifier: &identifier}})
	kit.Print(err != nil, errors.Is(err, paho.ErrInvalidArguments))
	for _, codes := range [][]byte{{0, 1}, {0x87, 0x8f}, {1, 0x97}} {
		result := kit.Go(func() (*paho.Suback, error) {
			return m.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "a", QoS: 1, NoLocal: true}, {Topic: "b", RetainHandling: 2, RetainAsPublished: true}},
				Properties: &paho.SubscribeProperties{User: paho.UserProperties{{Key: "k", Value: "v"}}}})
		}, kit.Suback)
		p := conn.Expect("subscribe")
		conn.Send(&packets.Suback{PacketID: p.PacketID(), Reasons: codes, Properties: &packets.Properties{ReasonString: "why"}})
		kit.Print(kit.Recv(result, "SUBACK"))
	}
	for _, codes := range [][]byte{{0, 0x11}, {0x87, 0}} {
		result := kit.Go(func() (*paho.Unsuback, error) {
			return m.Unsubscribe(kit.Context(), &paho.Unsubscribe{Topics: []string{"a", "b"}, Properties: &paho.UnsubscribeProperties{User: paho.UserProperties{{Key: "k", Value: "v"}}}})
		}, kit.Unsuback)
		p := conn.Expect("unsubscribe")
		conn.Send(&packets.Unsuback{PacketID: p.PacketID(), Reasons: codes, Properties: &packets.Properties{ReasonString: "why"}})
		kit.Print(kit.Recv(result, "UNSUBACK"))
	}

	// The program gives up.
	ctx, cancel := context.WithCancel(context.Background())
	subscribed := kit.Go(func() (*paho.Suback, error) {
		return m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "slow"}}})
	}, kit.Suback)
	conn.Read()
	cancel()
	kit.Print(kit.Recv(subscribed, "SUBACK"))
	// The connection is lost meanwhile, and there is no session that would go on.
	result := publish(&paho.Publish{Topic: "lost", QoS: 1})
	conn.Read()
	conn.Close()
	conn = s.Accept()
	conn.Connack(false)
	kit.Print(kit.Recv(result, "response")[:len("no response")])
	kit.Must(m.AwaitConnection(kit.Context()))
	kit.Print(fmt.Sprint(m.Disconnect(kit.Context())))
	conn.Expect("end")

	// The server gives no answer.
	silent := kit.Listen()
	go silent.Silence()
	cfg = kit.Config(silent)
	cfg.PacketTimeout = 3 * time.Second
	m, err = autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	kit.Must(m.AwaitConnection(kit.Context()))
	start := time.Now()
	response, err := m.Publish(kit.Context(), &paho.Publish{Topic: "slow", QoS: 1})
	kit.Print(kit.Response(response), err, time.Since(start) >= cfg.PacketTimeout)
	kit.Print(m.Disconnect(kit.Context()))
}
