// Command hostile makes the calls that no program should make, and has the program's own faults end it: for each of those it runs itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

const fault = "the program's own fault"

var ways = []string{"handler", "OnConnectionUp", "OnConnectError", "ConnectPacketBuilder", "AttemptConnection", "ReconnectBackoff"}

// crash has the program's own function panic.
func crash(way string) {
	s := kit.Listen()
	cfg := kit.Config(s)
	switch way {
	case "handler":
		cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(paho.PublishReceived) (bool, error) { panic(fault) }}
	case "OnConnectionUp":
		cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { panic(fault) }
	case "OnConnectError":
		cfg.ServerUrls = []*url.URL{kit.URL("gopher://127.0.0.1:1")}
		cfg.OnConnectError = func(error) { panic(fault) }
	case "ConnectPacketBuilder":
		cfg.ConnectPacketBuilder = func(*paho.Connect, *url.URL) (*paho.Connect, error) { panic(fault) }
	case "AttemptConnection":
		cfg.AttemptConnection = func(context.Context, autopaho.ClientConfig, *url.URL) (net.Conn, error) { panic(fault) }
	case "ReconnectBackoff":
		cfg.ReconnectBackoff = func(int) time.Duration { panic(fault) }
	}
	_, err := autopaho.NewConnection(context.Background(), cfg)
	kit.Must(err)
	conn := s.Accept()
	conn.Connack(false)
	conn.Message("t", "x", 1, 1)
	select {}
}

// try prints what a call returns, or that it panics.
func try(name string, call func() any) {
	defer func() {
		if recover() != nil {
			kit.Print(name, "panics")
		}
	}()
	kit.Print(name, call())
}

func values() {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	m, err := autopaho.NewConnection(cancelled, kit.Config(kit.Listen()))
	kit.Print(err)
	<-m.Done()
	kit.Print(m.AwaitConnection(kit.Context()), m.Disconnect(kit.Context()))
	_, err = autopaho.NewConnection(context.Background(), autopaho.ClientConfig{ServerUrls: []*url.URL{}})
	kit.Print(err)
	try("NewInMemory closed", func() any { s := state.NewInMemory(); return fmt.Sprint(s.Close(), s.Close()) })
	router := paho.NewStandardRouter()
	try("no handler", func() any {
		router.Route((&packets.Publish{Topic: "t", Properties: &packets.Properties{}}))
		return "returns"
	})
	try("no topic", func() any {
		router.UnregisterHandler("none")
		router.RegisterHandler("", func(*paho.Publish) {})
		return "returns"
	})
}

func calls() {
	s := kit.Listen()
	cfg := kit.Config(s)
	// Everything that a handler can call, and its end.
	done := make(chan string, 1)
	var m *autopaho.ConnectionManager
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		go func() { // the original's handlers may not wait
			ctx := kit.Context()
			switch r.Packet.Topic {
			case "publish":
				response, err := m.Publish(ctx, &paho.Publish{Topic: "answer", QoS: 1, Payload: r.Packet.Payload})
				done <- fmt.Sprint(kit.Response(response), err)
			case "subscribe":
				suback, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "more", QoS: 1}}})
				done <- fmt.Sprint(kit.Suback(suback), err)
			case "disconnect":
				done <- fmt.Sprint(m.Disconnect(ctx))
			}
		}()
		return true, errors.New("this handler always fails")
	}}
	var err error
	m, err = autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	conn.Connack(false)
	kit.Must(m.AwaitConnection(kit.Context()))

	for name, p := range map[string]*paho.Publish{"qos": {Topic: "t", QoS: 3}} {
		_, err := m.Publish(kit.Context(), p)
		kit.Print(name, err != nil)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = m.Subscribe(cancelled, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "never"}}})
	kit.Print("cancelled", errors.Is(err, context.Canceled))

	conn.Message("publish", "x", 0, 0)
	for p := conn.Read(); ; p = conn.Read() {
		if p.Type == packets.PUBLISH {
			conn.Send(&packets.Puback{PacketID: p.PacketID()})
			break
		}
		// The SUBSCRIBE whose context had ended may have been sent.
		conn.Send(&packets.Suback{PacketID: p.PacketID(), Reasons: []byte{0}, Properties: &packets.Properties{}})
	}
	kit.Print(kit.Recv(done, "publish"))
	conn.Message("subscribe", "x", 0, 0)
	conn.Send(&packets.Suback{PacketID: conn.Read().PacketID(), Reasons: []byte{1}, Properties: &packets.Properties{}})
	kit.Print(kit.Recv(done, "subscribe"))
	conn.Message("disconnect", "x", 0, 0)
	conn.Expect("disconnect")
	conn.Close()
	kit.Print(kit.Recv(done, "disconnect"))
	<-m.Done()
	_, err = m.Publish(kit.Context(), &paho.Publish{Topic: "t", QoS: 1})
	kit.Print(err != nil)
	try("AddOnPublishReceived", func() any {
		m.AddOnPublishReceived(func(autopaho.PublishReceived) (bool, error) { return true, nil })()
		return "returns"
	})
}

func main() {
	if len(os.Args) > 1 {
		crash(os.Args[1])
	}
	values()
	calls()
	for _, way := range ways {
		command := exec.Command(os.Args[0], way)
		var stderr strings.Builder
		command.Stderr = &stderr
		err := command.Run()
		kit.Print(way, err, strings.Contains(stderr.String(), "panic: "+fault), strings.Contains(stderr.String(), "hostile/main.go"))
	}
}
