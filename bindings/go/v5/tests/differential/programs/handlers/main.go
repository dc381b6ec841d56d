// Command handlers prints what handlers are called with, in which order, and that they can call what they like.
package main

import (
	"errors"
	"fmt"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	cfg := kit.Config(s)
	done := make(chan bool, 99)
	handler := func(name string) func(paho.PublishReceived) (bool, error) {
		return func(r paho.PublishReceived) (bool, error) {
			kit.Print(name, r.Packet.Topic, string(r.Packet.Payload), r.Packet.QoS, r.Packet.Retain, r.AlreadyHandled, r.Errs, r.Client != nil, r.Client.ClientID())
			return name == r.Packet.Topic, errors.New("error of " + name)
		}
	}
	router := paho.NewStandardRouter()
	router.RegisterHandler("routed/+", func(p *paho.Publish) { kit.Print("routed", p.Topic) })
	router.DefaultHandler(func(p *paho.Publish) { kit.Print("default", p.Topic) })
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){handler("first"), handler("second")}
	cfg.Router = router
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	conn.Connack(false)
	kit.Must(m.AwaitConnection(kit.Context()))
	remove := m.AddOnPublishReceived(func(r autopaho.PublishReceived) (bool, error) {
		kit.Print("added", r.Packet.Topic, r.AlreadyHandled, len(r.Errs), r.ConnectionManager == m)
		done <- true
		return false, nil
	})
	for i, topic := range []string{"first", "second", "routed/x", "other"} {
		conn.Message(topic, fmt.Sprint(i), byte(i%3), uint16(i))
		kit.Recv(done, "message")
		switch i % 3 {
		case 1:
			conn.Expect("acknowledgement")
		case 2:
			p := conn.Expect("acknowledgement")
			conn.Send(&packets.Pubrel{PacketID: p.PacketID()})
			conn.Expect("acknowledgement")
		}
	}
	remove()
	again := m.AddOnPublishReceived(func(r autopaho.PublishReceived) (bool, error) {
		kit.Print("another", r.Packet.Topic)
		response, err := r.ConnectionManager.Publish(kit.Context(), &paho.Publish{Topic: "reply", QoS: 1})
		kit.Print(kit.Response(response), err)
		done <- true
		return true, nil
	})
	conn.Message("question", "?", 1, 9)
	p := conn.Expect("published by a handler")
	conn.Send(&packets.Puback{PacketID: p.PacketID()})
	kit.Recv(done, "message")
	conn.Expect("acknowledgement")
	again()
	conn.Message("nobody's", "", 1, 10)
	conn.Expect("acknowledgement")
	conn.Send(&packets.Publish{Topic: "full", QoS: 1, PacketID: 11, Properties: &packets.Properties{
		ContentType: "text", ResponseTopic: "r", CorrelationData: []byte("c"), PayloadFormat: paho.Byte(1), MessageExpiry: paho.Uint32(9),
		User: []packets.User{{Key: "k", Value: "v"}, {Key: "k", Value: "w"}},
	}})
	remove = m.AddOnPublishReceived(func(r autopaho.PublishReceived) (bool, error) { return false, nil })
	conn.Expect("acknowledgement")
	remove()
	kit.Print(m.Disconnect(kit.Context()))
}
