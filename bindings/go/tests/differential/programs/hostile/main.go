// Command hostile makes the calls that no program should make: nil and zero values, odd arguments, calls from within handlers.
package main

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

// try prints what a call returns, or that it panics.
func try(name string, call func() any) {
	defer func() {
		if recover() != nil {
			kit.Print(name, "panics")
		}
	}()
	kit.Print(name, call())
}

func connected(s *kit.Server, o *mqtt.ClientOptions) (mqtt.Client, *kit.Conn) {
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	if err := kit.Wait(t); err != "<nil>" {
		kit.Print("FATAL", err)
	}
	return c, conn
}

func values() {
	try("NewClient(nil)", func() any { mqtt.NewClient(nil); return "returns" })
	try("zero options", func() any { return kit.Wait(mqtt.NewClient(&mqtt.ClientOptions{}).Connect()) })
	try("nil reader", func() any { r := mqtt.NewOptionsReader(nil); return r.ClientID() })
	try("zero reader", func() any { r := mqtt.ClientOptionsReader{}; return r.ClientID() })
	for _, broker := range []string{"", " ", ":", "::", "tcp://", "tcp://h", "tcp://h:99999", "%zz", " tcp://x", "tcp://[::1", "h:1883", "//h", "tcp:h", "mqtt://u@h:1/p?q#f"} {
		try(fmt.Sprintf("AddBroker(%q)", broker), func() any { return mqtt.NewClientOptions().AddBroker(broker).Servers })
	}
	o := mqtt.NewClientOptions().SetKeepAlive(-time.Second).SetConnectTimeout(-1).SetWriteTimeout(-1).SetPingTimeout(-1).SetMaxReconnectInterval(-1).SetConnectRetryInterval(-1).SetMaxResumePubInFlight(-1)
	kit.Print(o.KeepAlive, o.ConnectTimeout, o.WriteTimeout, o.PingTimeout, o.MaxReconnectInterval, o.ConnectRetryInterval, o.MaxResumePubInFlight)
	for _, t := range []mqtt.Token{&mqtt.PublishToken{}, &mqtt.SubscribeToken{}, &mqtt.UnsubscribeToken{}, &mqtt.ConnectToken{}, &mqtt.DisconnectToken{}} {
		try(fmt.Sprintf("zero %T", t), func() any { return fmt.Sprint(t.WaitTimeout(0), t.WaitTimeout(-1), t.Error()) })
	}
	try("zero result", func() any { return (&mqtt.SubscribeToken{}).Result() == nil })
	try("WaitTokenTimeout", func() any { return mqtt.WaitTokenTimeout(&mqtt.PublishToken{}, 0) })
	for _, key := range []string{"MemoryStore", "OrderedMemoryStore", "FileStore"} {
		try("unopened "+key, func() any {
			s := map[string]mqtt.Store{"MemoryStore": mqtt.NewMemoryStore(), "OrderedMemoryStore": mqtt.NewOrderedMemoryStore(), "FileStore": mqtt.NewFileStore("")}[key]
			s.Put("o.1", packets.NewControlPacket(packets.Publish))
			s.Del("o.1")
			return fmt.Sprint(s.Get("o.1"), s.All())
		})
	}
}

// nils has each thing that can be nil be nil, over a reconnect.
func nils() {
	s := kit.Listen()
	defer s.Close()
	o := kit.Options(s.URL).SetAutoReconnect(true).SetCleanSession(false)
	o.SetTLSConfig(nil).SetStore(nil).SetHTTPHeaders(nil).SetWebsocketOptions(nil).SetDefaultPublishHandler(nil).SetOnConnectHandler(nil)
	o.SetConnectionLostHandler(nil).SetReconnectingHandler(nil).SetConnectionAttemptHandler(nil).SetConnectionNotificationHandler(nil)
	o.SetCredentialsProvider(nil).SetCustomOpenConnectionFn(nil)
	c, conn := connected(s, o)
	sub := c.Subscribe("nil", 1, nil)
	conn.Suback(conn.Read().Details().MessageID, 1)
	kit.Print(kit.Wait(sub))
	multiple := c.SubscribeMultiple(map[string]byte{"nil/2": 0}, nil)
	conn.Suback(conn.Read().Details().MessageID, 0)
	kit.Print(kit.Wait(multiple))
	c.AddRoute("nil/route", nil)
	c.AddRoute("handled", func(mqtt.Client, mqtt.Message) {})
	// A message that nobody handles is not acknowledged.
	conn.Message("nil", "x", 1, 5, false, false)
	conn.Message("handled", "x", 1, 6, false, false)
	conn.Expect("acknowledged")
	conn.Message("nobody/2", "x", 2, 7, false, false)
	conn.Message("handled", "x", 2, 8, false, false)
	conn.Expect("received")
	conn.Close()
	conn = s.Accept()
	conn.Connack(0, true)
	for !c.IsConnectionOpen() { // the original may forget what is published right at this time
		time.Sleep(time.Millisecond)
	}
	p := c.Publish("again", 1, false, "x")
	conn.Ack(packets.Puback, conn.Read().Details().MessageID)
	kit.Print(kit.Wait(p), c.IsConnectionOpen())
	go c.Disconnect(500)
	conn.Drain()
}

func arguments() {
	s := kit.Listen()
	defer s.Close()
	c, conn := connected(s, kit.Options(s.URL))
	for _, payload := range []any{[]string{}, 'x', true, 1.5, &struct{}{}, [3]byte{}, fmt.Errorf("x"), map[string]string{}} {
		kit.Print(kit.Wait(c.Publish("t", 0, false, payload)))
	}
	done := make(chan bool)
	go func() { c.Disconnect(math.MaxUint32); close(done) }()
	conn.Expect("disconnect")
	conn.Close()
	kit.Print("disconnected", kit.Recv(done, "end of Disconnect"), c.IsConnected())
	c.Disconnect(math.MaxUint32)
	c.AddRoute("late", nil)
	r := c.OptionsReader()
	kit.Print(r.ClientID())
}

// within makes calls from within the handler of an unordered client.
func within() {
	s := kit.Listen()
	defer s.Close()
	done := make(chan string, 10)
	var handler mqtt.MessageHandler
	handler = func(c mqtt.Client, m mqtt.Message) {
		switch m.Topic() {
		case "publish":
			done <- kit.Wait(c.Publish("answer", 1, false, m.Payload()))
		case "subscribe":
			done <- kit.Wait(c.Subscribe("more", 1, handler))
		case "unsubscribe":
			done <- kit.Wait(c.Unsubscribe("unsubscribe"))
		case "connect":
			done <- kit.Wait(c.Connect())
		case "disconnect":
			c.Disconnect(100)
			done <- fmt.Sprint("disconnected ", c.IsConnected())
		}
	}
	c, conn := connected(s, kit.Options(s.URL).SetOrderMatters(false).SetDefaultPublishHandler(handler))
	for _, topic := range []string{"publish", "subscribe", "unsubscribe", "connect", "disconnect"} {
		conn.Message(topic, "x", 0, 0, false, false)
		switch topic {
		case "publish":
			conn.Ack(packets.Puback, conn.Expect(topic).Details().MessageID)
		case "subscribe":
			conn.Suback(conn.Expect(topic).Details().MessageID, 1)
		case "unsubscribe":
			conn.Ack(packets.Unsuback, conn.Expect(topic).Details().MessageID)
		}
		kit.Print(topic, kit.Recv(done, topic))
	}
	kit.Print(c.IsConnected())
	conn.Expect("then")
	// Ordered: Disconnect in a handler returns at the latest after what it was told to wait.
	returned := make(chan bool)
	_, conn = connected(s, kit.Options(s.URL).SetDefaultPublishHandler(func(c mqtt.Client, _ mqtt.Message) { c.Disconnect(100); close(returned) }))
	conn.Message("disconnect", "x", 0, 0, false, false)
	conn.Expect("disconnect")
	kit.Recv(returned, "end of Disconnect")
	// In the callbacks of connecting.
	up, lost := make(chan string, 1), make(chan string, 1)
	o := kit.Options(s.URL).SetOnConnectHandler(func(c mqtt.Client) { up <- kit.Wait(c.Connect()) })
	o.SetConnectionLostHandler(func(c mqtt.Client, _ error) { c.Disconnect(10); lost <- kit.Wait(c.Publish("x", 1, false, "x")) })
	c, conn = connected(s, o)
	kit.Print("OnConnect", kit.Recv(up, "OnConnect"))
	conn.Close()
	kit.Print("OnConnectionLost", kit.Recv(lost, "OnConnectionLost"), c.IsConnected())
}

func connections() {
	opens := map[string]mqtt.OpenConnectionFunc{
		"error": func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return nil, fmt.Errorf("no way") },
		"closed": func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			a, b := net.Pipe()
			b.Close()
			return a, nil
		},
	}
	for _, name := range []string{"error", "closed"} {
		c := mqtt.NewClient(kit.Options("any://where").SetCustomOpenConnectionFn(opens[name]))
		t := c.Connect()
		kit.Wait(t)
		kit.Print(name, t.Error() != nil, strings.HasPrefix(fmt.Sprint(t.Error()), "network Error : "), c.IsConnected())
	}
}

func main() {
	values()
	nils()
	arguments()
	within()
	connections()
}
