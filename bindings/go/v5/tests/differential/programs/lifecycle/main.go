// Command lifecycle prints what calls return without a connection, and how a connection manager ends.
package main

import (
	"context"
	"errors"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func calls(m *autopaho.ConnectionManager) {
	ctx := kit.Context()
	_, err := m.Publish(ctx, &paho.Publish{Topic: "t"})
	kit.Print("publish", err, errors.Is(err, autopaho.ConnectionDownError))
	_, err = m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
	kit.Print("subscribe", err)
	_, err = m.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"t"}})
	kit.Print("unsubscribe", err)
	_, err = m.Authenticate(ctx, &paho.Auth{})
	kit.Print("authenticate", err)
	m.TerminateConnectionForTest()
}

func main() {
	s := kit.Listen()
	m, err := autopaho.NewConnection(kit.Context(), kit.Config(s))
	kit.Print(err)
	conn := s.Accept() // no CONNACK yet
	calls(m)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	kit.Print("await", m.AwaitConnection(ended))
	_ = m.Disconnect(ended) // its result is chance, with both libraries: two channels are ready
	kit.Print("disconnect", m.Disconnect(kit.Context()), m.Disconnect(kit.Context()))
	<-m.Done()
	kit.Print("await", m.AwaitConnection(kit.Context()))
	conn.Close()

	for _, packet := range []*paho.Disconnect{{ReasonCode: 4}, {Properties: &paho.DisconnectProperties{ReasonString: "tired", User: paho.UserProperties{{Key: "k", Value: "v"}}}}} {
		cfg := kit.Config(s)
		cfg.DisconnectPacketBuilder = func() *paho.Disconnect { return packet }
		m, err = autopaho.NewConnection(kit.Context(), cfg)
		kit.Must(err)
		conn = s.Accept()
		conn.Connack(false)
		kit.Must(m.AwaitConnection(kit.Context()))
		kit.Print("disconnect", m.Disconnect(kit.Context()))
		conn.Expect("builder")
		conn.Expect("builder")
	}

	// The program's context ends.
	ctx, cancel := context.WithCancel(context.Background())
	cfg := kit.Config(s)
	down := make(chan bool, 9)
	cfg.OnConnectionDown = func() bool { down <- true; return true }
	m, err = autopaho.NewConnection(ctx, cfg)
	kit.Must(err)
	conn = s.Accept()
	conn.Connack(false)
	kit.Must(m.AwaitConnection(kit.Context()))
	cancel()
	conn.Expect("context")
	<-m.Done()
	kit.Print(len(down))

	// OnConnectionDown wants no more.
	cfg = kit.Config(s)
	cfg.OnConnectionDown = func() bool { down <- false; return false }
	cfg.OnConnectError = func(err error) { kit.Print("unexpected", err) }
	m, err = autopaho.NewConnection(context.Background(), cfg)
	kit.Must(err)
	conn = s.Accept()
	conn.Connack(false)
	kit.Must(m.AwaitConnection(kit.Context()))
	conn.Close()
	kit.Print(kit.Recv(down, "OnConnectionDown"))
	kit.Print(m.Disconnect(kit.Context())) // the original's Done would not end without it
	<-m.Done()
	calls(m)

	// A scheme that nothing is known of.
	refused := make(chan error, 1)
	cfg = kit.Config()
	cfg.ServerUrls = append(cfg.ServerUrls, kit.URL("gopher://127.0.0.1:1"))
	cfg.OnConnectError = func(err error) {
		select {
		case refused <- err:
		default:
		}
	}
	m, err = autopaho.NewConnection(context.Background(), cfg)
	kit.Must(err)
	kit.Print(kit.Recv(refused, "OnConnectError"))
	kit.Print(m.Disconnect(kit.Context()))
}
