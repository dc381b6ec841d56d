// Package receive shows what handlers are called with, and the acknowledgements that follow.
package receive

import (
	"errors"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

func describe(p *paho.Publish) string {
	return kit.Fields(p) + " " + kit.Fields(p.Properties) + " " + map[bool]string{true: "dup", false: ""}[p.Duplicate()]
}

// Run runs the program.
func Run() {
	order()
	acknowledgements()
	manual()
	routers()
}

// order shows several handlers.
func order() {
	done := make(chan bool, 10)
	first := func(p paho.PublishReceived) (bool, error) {
		kit.Print("first", describe(p.Packet), p.AlreadyHandled, p.Errs, p.Client != nil)
		return p.Packet.Topic == "mine", nil
	}
	second := func(p paho.PublishReceived) (bool, error) {
		kit.Print("second", p.AlreadyHandled, p.Errs)
		return false, errors.New("second's")
	}
	third := func(p paho.PublishReceived) (bool, error) {
		kit.Print("third", p.AlreadyHandled, p.Errs)
		done <- true
		return true, errors.New("third's")
	}
	c, s := kit.Connected(paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){first, second, third}}, kit.Connect(), &packets.Connack{})
	s.Message("mine", "payload", 0, 0, false, nil)
	kit.Recv(done, "message")
	s.Message("other", "", 0, 0, false, &packets.Properties{
		ContentType: "t", ResponseTopic: "r", CorrelationData: []byte{1}, PayloadFormat: kit.Pointer(byte(1)), MessageExpiry: kit.Pointer(uint32(9)),
		SubscriptionIdentifier: kit.Pointer(7), User: []packets.User{{Key: "k", Value: "v"}},
	})
	kit.Recv(done, "message")
	removeFourth := c.AddOnPublishReceived(func(p paho.PublishReceived) (bool, error) {
		kit.Print("fourth", p.AlreadyHandled, p.Errs)
		done <- true
		return true, nil
	})
	removeFifth := c.AddOnPublishReceived(func(p paho.PublishReceived) (bool, error) {
		kit.Print("fifth", p.AlreadyHandled, p.Errs)
		done <- true
		return true, nil
	})
	s.Message("more", "", 0, 0, false, nil)
	for range 3 {
		kit.Recv(done, "message")
	}
	removeFourth()
	removeFourth()
	s.Message("less", "", 0, 0, false, nil)
	for range 2 {
		kit.Recv(done, "message")
	}
	removeFifth()
	kit.Print(c.Disconnect(&paho.Disconnect{}))
}

// acknowledgements shows that they follow the handler.
func acknowledgements() {
	var gate sync.Mutex
	lines := make(chan string, 10)
	c, s := kit.Connected(paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		gate.Lock()
		defer gate.Unlock()
		lines <- describe(p.Packet)
		return true, errors.New("an error does not matter")
	}}}, kit.Connect(), &packets.Connack{})
	gate.Lock()
	s.Message("a", "1", 1, 10, false, nil)
	s.Message("b", "2", 1, 11, true, nil)
	s.Message("c", "3", 2, 12, false, nil)
	kit.Print("nothing yet", len(lines))
	gate.Unlock()
	s.Expect("then")
	s.Expect("then")
	s.Expect("then")
	s.Send(&packets.Pubrel{PacketID: 12, Properties: &packets.Properties{}})
	s.Expect("then")
	for range 3 {
		kit.Print("handler", kit.Recv(lines, "handler"))
	}
	kit.Print(c.Disconnect(&paho.Disconnect{}))
}

// manual shows acknowledgements that the program gives.
func manual() {
	received := make(chan *paho.Publish, 10)
	collect := func(p paho.PublishReceived) (bool, error) {
		received <- p.Packet
		return true, nil
	}
	c, s := kit.Connected(paho.ClientConfig{
		EnableManualAcknowledgment: true, OnPublishReceived: []func(paho.PublishReceived) (bool, error){collect},
	}, kit.Connect(), &packets.Connack{})
	var messages []*paho.Publish
	for id := range uint16(4) {
		s.Message("a", "", byte(id%2)+1, id+1, false, nil)
		messages = append(messages, kit.Recv(received, "message"))
	}
	s.Message("a", "", 0, 0, false, nil)
	kit.Print("qos 0", c.Ack(kit.Recv(received, "message")))
	kit.Print("unknown", c.Ack(&paho.Publish{QoS: 1, PacketID: 99}))
	for _, i := range []int{2, 1, 3} {
		kit.Print("ack", i, c.Ack(messages[i]))
	}
	kit.Print("ack", 0, c.Ack(&paho.Publish{QoS: 1, PacketID: 1}))
	for range 4 {
		s.Expect("then")
	}
	kit.Print(c.Disconnect(&paho.Disconnect{}))
	kit.Print("too late", c.Ack(messages[0]))

	c, s = kit.Connected(paho.ClientConfig{}, kit.Connect(), &packets.Connack{})
	kit.Print("not enabled", c.Ack(messages[0]))
	kit.Print(c.Disconnect(&paho.Disconnect{}))
	s.Drain()
}

// routers shows the old way.
func routers() {
	done := make(chan bool, 10)
	router := paho.NewStandardRouterWithDefault(func(p *paho.Publish) {
		kit.Print("default", describe(p))
		done <- true
	})
	for _, filter := range []string{"a/b", "+/b", "#", "$share/g/a/b", "a/b/#", "a", ""} {
		router.RegisterHandler(filter, func(p *paho.Publish) { done <- true })
	}
	c, s := kit.Connected(paho.ClientConfig{Router: router}, kit.Connect(), &packets.Connack{})
	for topic, handlers := range map[string]int{"a/b": 5, "x": 1, "a": 2, "a/b/c": 2} {
		s.Message(topic, "", 0, 0, false, nil)
		for range handlers {
			kit.Recv(done, "handler")
		}
	}
	router.UnregisterHandler("#")
	s.Message("x", "1", 0, 0, false, nil)
	kit.Recv(done, "handler")
	router.DefaultHandler(nil)
	s.Message("x", "2", 0, 0, false, nil)
	s.Message("a", "3", 1, 1, false, nil)
	kit.Recv(done, "handler")
	s.Expect("then")
	kit.Print(c.Disconnect(&paho.Disconnect{}), len(done))

	//lint:ignore SA1019 it is part of the interface
	router = paho.NewSingleHandlerRouter(func(p *paho.Publish) {
		kit.Print("single", describe(p))
		done <- true
	})
	connect := kit.Connect()
	connect.Properties = &paho.ConnectProperties{RequestProblemInfo: true, TopicAliasMaximum: kit.Pointer(uint16(3))}
	router.RegisterHandler("aliased", func(p *paho.Publish) {
		kit.Print("aliased", describe(p))
		done <- true
	})
	c, s = kit.Connected(paho.ClientConfig{Router: router}, connect, &packets.Connack{})
	alias := func(n uint16) *packets.Properties { return &packets.Properties{TopicAlias: kit.Pointer(n)} }
	s.Message("aliased", "1", 0, 0, false, alias(1))
	kit.Recv(done, "handler")
	s.Message("", "2", 0, 0, false, alias(1))
	kit.Recv(done, "handler")
	s.Message("other", "3", 0, 0, false, alias(1))
	kit.Recv(done, "handler")
	s.Message("", "4", 0, 0, false, alias(1))
	kit.Recv(done, "handler")
	kit.Print(c.Disconnect(&paho.Disconnect{}))
}
