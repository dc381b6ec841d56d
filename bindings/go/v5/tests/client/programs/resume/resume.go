// Package resume shows what a session keeps from one connection to the next.
package resume

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

func connect() *paho.Connect {
	return &paho.Connect{ClientID: "client", Properties: &paho.ConnectProperties{RequestProblemInfo: true, SessionExpiryInterval: kit.Pointer(uint32(60))}}
}

// Run runs the program.
func Run() {
	session := state.NewInMemory()
	received := make(chan *paho.Publish, 10)
	config := paho.ClientConfig{Session: session, OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		received <- p.Packet
		return true, nil
	}}}
	c, s := kit.Connected(config, connect(), &packets.Connack{})
	results := map[string]chan string{}
	publish := func(ctx context.Context, c *paho.Client, payload string, qos byte) {
		ended := make(chan string, 1)
		results[payload] = ended
		go func() {
			r, err := c.Publish(ctx, &paho.Publish{Topic: "t", QoS: qos, Payload: []byte(payload)})
			ended <- kit.Fields(r) + " " + map[bool]string{true: "error", false: "well"}[err != nil]
		}()
	}
	publish(kit.Context(), c, "one", 1)
	s.Expect("sent")
	publish(kit.Context(), c, "two", 2)
	s.Expect("sent")
	publish(kit.Context(), c, "three", 2)
	third := s.Expect("sent").PacketID()
	s.Send(&packets.Pubrec{PacketID: third, Properties: &packets.Properties{}})
	s.Expect("then")
	s.Close()
	kit.Recv(c.Done(), "Done")

	c, s = kit.Connected(config, connect(), &packets.Connack{SessionPresent: true})
	var again []string // messages may come before or after PUBREL
	for range 3 {
		p := s.Read()
		again = append(again, p.PacketType()+" "+kit.Fields(p.Content))
		switch p.Type {
		case packets.PUBREL:
			s.Send(&packets.Pubcomp{PacketID: p.PacketID(), Properties: &packets.Properties{}})
		case packets.PUBLISH:
			if p.Content.(*packets.Publish).QoS == 1 {
				s.Send(&packets.Puback{PacketID: p.PacketID(), Properties: &packets.Properties{}})
				continue
			}
			s.Send(&packets.Pubrec{PacketID: p.PacketID(), Properties: &packets.Properties{}})
		}
	}
	slices.Sort(again)
	kit.Print(strings.Join(again, "\n"))
	p := s.Expect("then")
	s.Send(&packets.Pubcomp{PacketID: p.PacketID(), Properties: &packets.Properties{}})
	for _, payload := range []string{"one", "two", "three"} {
		kit.Print(payload, kit.Recv(results[payload], "end of "+payload))
	}

	// A QoS 2 message whose PUBREC was sent is not handed over again.
	s.Message("in", "once", 2, 7, false, nil)
	kit.Print("received", string(kit.Recv(received, "message").Payload))
	s.Expect("then")
	s.Close()
	kit.Recv(c.Done(), "Done")
	c, s = kit.Connected(config, connect(), &packets.Connack{SessionPresent: true})
	s.Message("in", "once", 2, 7, true, nil)
	s.Expect("then")
	s.Send(&packets.Pubrel{PacketID: 7, Properties: &packets.Properties{}})
	s.Expect("then")
	kit.Print("received", len(received))

	// The server has no session: what is under way is dropped.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // the original's Publish waits for nothing
	defer cancel()
	publish(ctx, c, "four", 1)
	s.Expect("sent")
	s.Close()
	kit.Recv(c.Done(), "Done")
	c, s = kit.Connected(config, connect(), &packets.Connack{})
	_, err := c.Publish(kit.Context(), &paho.Publish{Topic: "t", Payload: []byte("zero")})
	s.Expect("only")
	kit.Print(err)
	kit.Print(c.Disconnect(&paho.Disconnect{}))
	kit.Print("four", kit.Recv(results["four"], "end of four"))
	s.Drain()
	kit.Print(session.Close())
}
