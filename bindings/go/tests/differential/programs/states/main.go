// Command states makes calls in each state, from callbacks too.
package main

import (
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	// Connecting, without ConnectRetry.
	s := kit.Listen()
	c := mqtt.NewClient(kit.Options(s.URL))
	t := c.Connect()
	conn := s.Accept()
	kit.Print("connecting", c.IsConnected(), c.IsConnectionOpen())
	kit.Print(kit.Wait(c.Connect()))
	kit.Print(kit.Wait(c.Publish("x", 1, false, "")), kit.Wait(c.Subscribe("x", 1, nil)))
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))
	// Connected, without AutoReconnect.
	kit.Print(kit.Wait(c.Connect()))
	// Disconnecting twice at the same time.
	go conn.Drain()
	done := make(chan bool)
	go func() { c.Disconnect(kit.Quiesce); done <- true }()
	c.Disconnect(kit.Quiesce)
	<-done
	kit.Print(c.IsConnected())
	// Again and again with one client.
	for range 3 {
		t = c.Connect()
		conn = s.Accept()
		conn.Connack(0, false)
		kit.Print(kit.Wait(t), c.IsConnectionOpen())
		go conn.Drain()
		c.Disconnect(kit.Quiesce)
	}
	// Disconnect in OnConnectionLost, while reconnecting.
	lost := make(chan bool)
	o := kit.Options(s.URL).SetAutoReconnect(true).SetMaxReconnectInterval(100 * time.Millisecond)
	o.OnConnectionLost = func(c mqtt.Client, _ error) { c.Disconnect(1); close(lost) }
	c = mqtt.NewClient(o)
	t = c.Connect()
	conn = s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))
	s.Close()
	conn.Close()
	kit.Recv(lost, "OnConnectionLost")
	kit.Until(func() bool { return !c.IsConnected() })
	kit.Print(c.IsConnected(), c.IsConnectionOpen())
}
