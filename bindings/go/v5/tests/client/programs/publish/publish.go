// Package publish shows publishes on the wire, and what Publish makes of answers.
package publish

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

func show(what string, r *paho.PublishResponse, err error) {
	if err != nil && strings.HasPrefix(err.Error(), refused) {
		err = errors.New(refused) // what follows is the reason code's description
	}
	if r == nil {
		kit.Print(what, nil, err, errors.Is(err, paho.ErrInvalidArguments))
	} else if r.Properties == nil {
		kit.Print(what, r.ReasonCode, nil, err)
	} else {
		kit.Print(what, r.ReasonCode, r.Properties.ReasonString, r.Properties.User, len(r.Properties.User), err)
	}
}

const refused = "error publishing: "

// publish publishes while the server answers.
func publish(what string, c *paho.Client, p *paho.Publish, o paho.PublishOptions, serve func()) {
	ended := make(chan func(), 1)
	go func() {
		r, err := c.PublishWithOptions(kit.Context(), p, o)
		ended <- func() { show(what, r, err) }
	}()
	if serve != nil {
		serve()
	}
	kit.Recv(ended, "end of "+what)()
}

// Run runs the program.
func Run() {
	c, s := kit.Connected(paho.ClientConfig{}, kit.Connect(), &packets.Connack{Properties: &packets.Properties{TopicAliasMaximum: kit.Pointer(uint16(5))}})
	blocking, async := paho.PublishOptions{}, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend}
	expect := func() { s.Expect("sent") }
	publish("qos 0", c, &paho.Publish{Topic: "t", Payload: []byte("zero")}, blocking, expect)
	publish("qos 0 empty", c, &paho.Publish{Topic: "t", Retain: true}, blocking, expect)
	publish("qos 0 async", c, &paho.Publish{Topic: "t", Payload: []byte("zero")}, async, expect)
	all := &paho.PublishProperties{
		CorrelationData: []byte{0, 1}, ContentType: "text", ResponseTopic: "answer", PayloadFormat: kit.Pointer(byte(1)),
		MessageExpiry: kit.Pointer(uint32(100)), TopicAlias: kit.Pointer(uint16(2)), User: paho.UserProperties{{Key: "a", Value: "b"}, {Key: "c", Value: ""}},
	}
	publish("properties", c, &paho.Publish{Topic: "t", Payload: []byte("p"), Properties: all}, blocking, expect)
	publish("alias alone", c, &paho.Publish{Properties: &paho.PublishProperties{TopicAlias: kit.Pointer(uint16(2))}}, blocking, expect)

	puback := func(reason byte, properties *packets.Properties) func() {
		return func() {
			p := s.Expect("sent")
			if properties == nil {
				properties = &packets.Properties{}
			}
			s.Send(&packets.Puback{PacketID: p.PacketID(), ReasonCode: reason, Properties: properties})
		}
	}
	words := &packets.Properties{ReasonString: "because", User: []packets.User{{Key: "k", Value: "v"}}}
	one := func() *paho.Publish { return &paho.Publish{Topic: "t", QoS: 1, Payload: []byte("one")} }
	publish("qos 1", c, one(), blocking, puback(0, nil))
	publish("qos 1, nobody there", c, one(), blocking, puback(0x10, nil))
	publish("qos 1, words", c, one(), blocking, puback(0, words))
	for _, reason := range []byte{0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99} {
		publish("qos 1, refused", c, one(), blocking, puback(reason, words))
	}
	publish("qos 1, refused without a word", c, one(), blocking, puback(0x87, nil))
	publish("qos 1 async", c, one(), async, puback(0, nil))

	two := func() *paho.Publish { return &paho.Publish{Topic: "t", QoS: 2, Payload: []byte("two")} }
	pubrec := func(reason byte, properties *packets.Properties) uint16 {
		p := s.Expect("sent")
		if properties == nil {
			properties = &packets.Properties{}
		}
		s.Send(&packets.Pubrec{PacketID: p.PacketID(), ReasonCode: reason, Properties: properties})
		return p.PacketID()
	}
	pubcomp := func(id uint16, reason byte, properties *packets.Properties) {
		s.Expect("then")
		if properties == nil {
			properties = &packets.Properties{}
		}
		s.Send(&packets.Pubcomp{PacketID: id, ReasonCode: reason, Properties: properties})
	}
	publish("qos 2", c, two(), blocking, func() { pubcomp(pubrec(0, nil), 0, nil) })
	publish("qos 2, words", c, two(), blocking, func() { pubcomp(pubrec(0x10, nil), 0, words) })
	publish("qos 2, refused", c, two(), blocking, func() { pubrec(0x87, words) })
	publish("qos 2, not found", c, two(), blocking, func() { pubcomp(pubrec(0, nil), 0x92, words) })

	publish("qos 3", c, &paho.Publish{Topic: "t", QoS: 3}, blocking, nil)
	publish("no topic", c, &paho.Publish{}, blocking, nil)
	publish("alias too high", c, &paho.Publish{Topic: "t", Properties: &paho.PublishProperties{TopicAlias: kit.Pointer(uint16(6))}}, blocking, nil)
	kit.Print(c.Disconnect(&paho.Disconnect{ReasonCode: 4, Properties: &paho.DisconnectProperties{ReasonString: "enough", User: paho.UserProperties{{Key: "a", Value: "b"}}}}))
	s.Expect("bye")
	s.Expect("then")

	c, s = kit.Connected(paho.ClientConfig{
		PacketTimeout: 3 * time.Second,
		PublishHook:   func(p *paho.Publish) { p.Topic = "hooked/" + p.Topic },
	}, kit.Connect(), &packets.Connack{Properties: &packets.Properties{
		MaximumQOS: kit.Pointer(byte(1)), RetainAvailable: kit.Pointer(byte(0)), ReceiveMaximum: kit.Pointer(uint16(1)),
	}})
	publish("too much", c, two(), blocking, nil)
	publish("retain", c, &paho.Publish{Topic: "t", Retain: true}, blocking, nil)
	publish("hook", c, one(), blocking, puback(0, nil))
	publish("no answer", c, one(), blocking, expect)
	// Receive Maximum is used up.
	publish("no quota", c, one(), blocking, nil)
	publish("no quota async", c, one(), async, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Publish(ctx, one())
	kit.Print("cancelled", err)
	kit.Print(c.Disconnect(&paho.Disconnect{}))
	s.Expect("bye")
}
