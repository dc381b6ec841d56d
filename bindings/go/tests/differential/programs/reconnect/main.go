// Command reconnect loses its connection, publishes meanwhile, and goes on.
package main

import (
	"errors"
	"io"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func run(clean bool) {
	s := kit.Listen()
	defer s.Close()
	lost, up, again := make(chan error, 5), make(chan bool, 5), make(chan *mqtt.ClientOptions, 100)
	o := kit.Options(s.URL).SetAutoReconnect(true).SetCleanSession(clean)
	o.OnConnectionLost = func(_ mqtt.Client, err error) { lost <- err }
	o.OnConnect = func(c mqtt.Client) { up <- c.IsConnectionOpen() }
	o.OnReconnecting = func(_ mqtt.Client, o *mqtt.ClientOptions) { o.Username = "new"; again <- o }
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t), kit.Recv(up, "OnConnect"))
	kit.Print(kit.Wait(c.Connect()), c.Connect().(*mqtt.ConnectToken).ReturnCode())

	one := c.Publish("one", 1, false, "1")
	conn.Expect("one")
	two := c.Publish("two", 2, true, "2")
	conn.Expect("two")
	sub := c.Subscribe("s", 1, nil)
	conn.Expect("subscribe")
	conn.Close()
	err := kit.Recv(lost, "OnConnectionLost")
	kit.Print("lost", errors.Is(err, io.EOF))
	kit.Recv(again, "OnReconnecting")
	kit.Print("subscribe", kit.Wait(sub))
	conn = s.Accept()
	kit.Print("while reconnecting", c.IsConnected(), c.IsConnectionOpen())
	kit.Print(kit.Wait(c.Publish("dropped", 0, false, "0")))
	kit.Print(kit.Wait(c.Subscribe("s", 1, nil)), kit.Wait(c.Unsubscribe("s")))
	three := c.Publish("three", 1, false, "3")
	connect := conn.Connack(0, false)
	kit.Print("clean", connect.CleanSession, connect.Username)
	kit.Print(kit.Recv(up, "OnConnect"))
	for _, p := range conn.Flows(3) {
		kit.Print("again", p.TopicName, p.MessageID, p.Qos, p.TopicName == "three" || p.Dup) // the genuine library marks what it never sent, too
	}
	kit.Print(kit.Wait(one), kit.Wait(two), kit.Wait(three))
	conn.End(c)
	kit.Print(c.IsConnected())
}

func main() {
	run(true)
	run(false)
}
