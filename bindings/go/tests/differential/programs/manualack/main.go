// Command manualack acknowledges by itself, late and out of order, and over a reconnect.
package main

import (
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	messages := make(chan mqtt.Message, 10)
	o := kit.Options(s.URL).SetAutoReconnect(true).SetAutoAckDisabled(true).SetCleanSession(false)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { messages <- m })
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))
	conn.Message("a", "1", 1, 11, false, false)
	conn.Message("a", "2", 1, 12, false, false)
	conn.Message("a", "3", 2, 13, false, false)
	conn.Message("a", "0", 0, 0, false, false)
	first, second, third, fourth := kit.Recv(messages, "1"), kit.Recv(messages, "2"), kit.Recv(messages, "3"), kit.Recv(messages, "0")
	second.Ack()
	conn.Expect("second")
	third.Ack()
	conn.Expect("third")
	fourth.Ack()
	second.Ack()
	conn.Close()
	conn = s.Accept()
	conn.Connack(0, true)
	conn.Message("a", "1", 1, 11, true, false)
	again := kit.Recv(messages, "1 again")
	kit.Print(again.Duplicate(), string(again.Payload()))
	first.Ack() // of the old connection
	again.Ack()
	conn.Expect("again")
	done := kit.Disconnect(c)
	conn.Expect("then")
	<-done
}
