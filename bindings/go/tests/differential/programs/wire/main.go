// Command wire shows every byte that a client sends, to a server of its own.
package main

import (
	"bytes"
	"net/url"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func connect(change func(*mqtt.ClientOptions)) {
	s := kit.Listen()
	defer s.Close()
	o := kit.Options(s.URL)
	change(o)
	c := mqtt.NewClient(o)
	t := c.Connect().(*mqtt.ConnectToken)
	conn := s.Accept()
	p := conn.Expect("CONNECT").(*packets.ConnectPacket)
	conn.Write([]byte{0x20, 2, 1 & (p.ProtocolVersion &^ 0x80 >> 2), 0}) // 3.1 has no flag for a session that is present
	kit.Print(kit.Wait(t), t.ReturnCode(), t.SessionPresent(), c.IsConnected(), c.IsConnectionOpen())
	done := kit.Disconnect(c)
	conn.Expect("then")
	conn.Expect("then")
	<-done
}

func main() {
	connect(func(o *mqtt.ClientOptions) {})
	connect(func(o *mqtt.ClientOptions) { o.SetClientID("").SetKeepAlive(30e9) })
	connect(func(o *mqtt.ClientOptions) { o.SetUsername("name").SetPassword("secret").SetCleanSession(false) })
	connect(func(o *mqtt.ClientOptions) { o.SetPassword("secret alone") })
	connect(func(o *mqtt.ClientOptions) { o.SetUsername("name alone") })
	connect(func(o *mqtt.ClientOptions) { o.SetBinaryWill("will/topic", []byte{0, 255, 1}, 2, true) })
	connect(func(o *mqtt.ClientOptions) { o.SetWill("w", "", 0, false) })
	connect(func(o *mqtt.ClientOptions) { o.SetProtocolVersion(3) })
	connect(func(o *mqtt.ClientOptions) { o.SetProtocolVersion(0x83) })
	connect(func(o *mqtt.ClientOptions) { o.SetProtocolVersion(0x84) })
	connect(func(o *mqtt.ClientOptions) { o.Servers[0].User = url.UserPassword("url", "pw"); o.SetUsername("other") })
	connect(func(o *mqtt.ClientOptions) {
		o.Servers[0].User = url.User("url")
		o.SetUsername("other").SetPassword("kept")
	})
	connect(func(o *mqtt.ClientOptions) {
		o.SetUsername("other").SetCredentialsProvider(func() (string, string) { return "asked", "for" })
	})

	s := kit.Listen()
	defer s.Close()
	received := make(chan mqtt.Message, 10)
	o := kit.Options(s.URL).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { received <- m })
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))

	var buffer bytes.Buffer
	buffer.WriteString("buffer")
	for _, payload := range []any{"text", []byte("bytes"), buffer, "", []byte(nil)} {
		p := c.Publish("t", 0, false, payload)
		conn.Expect("qos 0")
		kit.Print(kit.Wait(p), p.(*mqtt.PublishToken).MessageID())
	}
	for _, payload := range []any{1, nil, &buffer} {
		kit.Print(kit.Wait(c.Publish("t", 1, false, payload)))
	}
	p := c.Publish("topic/one", 1, true, "one")
	conn.Expect("qos 1")
	kit.Print(p.WaitTimeout(0), p.Error(), p.(*mqtt.PublishToken).MessageID())
	conn.Ack(packets.Puback, p.(*mqtt.PublishToken).MessageID())
	kit.Print(kit.Wait(p))
	<-p.Done()
	p = c.Publish("topic/two", 2, false, "two")
	conn.Expect("qos 2")
	id := p.(*mqtt.PublishToken).MessageID()
	conn.Ack(packets.Pubrec, id)
	conn.Expect("pubrel")
	kit.Print(p.WaitTimeout(0))
	conn.Ack(packets.Pubcomp, id)
	kit.Print(kit.Wait(p), id)

	sub := c.Subscribe("$share/group/a/+", 2, nil).(*mqtt.SubscribeToken)
	subscribe := conn.Expect("subscribe").(*packets.SubscribePacket)
	conn.Suback(subscribe.MessageID, 1)
	kit.Print(kit.Wait(sub), sub.Result())
	sub = c.Subscribe("refused", 1, nil).(*mqtt.SubscribeToken)
	subscribe = conn.Expect("subscribe").(*packets.SubscribePacket)
	conn.Suback(subscribe.MessageID, 0x80)
	kit.Print(kit.Wait(sub), sub.Result())
	sub = c.SubscribeMultiple(map[string]byte{"$share/g/m": 1}, nil).(*mqtt.SubscribeToken)
	subscribe = conn.Expect("subscribe").(*packets.SubscribePacket)
	conn.Suback(subscribe.MessageID, 1)
	kit.Print(kit.Wait(sub), sub.Result())
	for _, bad := range []string{"", "a/#/b", "#/a"} {
		kit.Print(kit.Wait(c.Subscribe(bad, 0, nil)), kit.Wait(c.SubscribeMultiple(map[string]byte{bad: 0}, nil)))
	}
	kit.Print(kit.Wait(c.Subscribe("a", 3, nil)), kit.Wait(c.SubscribeMultiple(nil, nil)))
	un := c.Unsubscribe("a/+", "b")
	conn.Ack(packets.Unsuback, conn.Expect("unsubscribe").Details().MessageID)
	kit.Print(kit.Wait(un))

	conn.Message("in/0", "zero", 0, 0, false, true)
	m := kit.Recv(received, "message")
	kit.Print(m.Topic(), string(m.Payload()), m.Qos(), m.MessageID(), m.Duplicate(), m.Retained())
	conn.Message("in/1", "one", 1, 77, true, false)
	m = kit.Recv(received, "message")
	kit.Print(m.Topic(), string(m.Payload()), m.Qos(), m.MessageID(), m.Duplicate(), m.Retained())
	conn.Expect("puback")
	m.Ack()
	conn.Message("in/2", "", 2, 78, false, false)
	m = kit.Recv(received, "message")
	kit.Print(m.Topic(), string(m.Payload()), m.Qos(), m.MessageID())
	conn.Expect("pubrec")
	conn.Ack(packets.Pubrel, 78)
	conn.Expect("pubcomp")
	lost := c.Publish("never/acknowledged", 1, false, "x")
	conn.Expect("qos 1")
	done := kit.Disconnect(c)
	conn.Expect("disconnect")
	conn.Expect("end")
	<-done
	kit.Print(kit.Wait(lost), c.IsConnected())
}
