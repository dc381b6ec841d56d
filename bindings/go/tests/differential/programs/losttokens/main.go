// Command losttokens loses its connection for good, and shows how its calls end.
package main

import (
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	for _, clean := range []bool{true, false} {
		s := kit.Listen()
		lost := make(chan error, 1)
		c := mqtt.NewClient(kit.Options(s.URL).SetCleanSession(clean).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
		t := c.Connect()
		conn := s.Accept()
		conn.Connack(0, false)
		kit.Print(kit.Wait(t))
		publish := c.Publish("p", 1, false, "x")
		subscribe := c.Subscribe("s", 0, nil)
		unsubscribe := c.Unsubscribe("u")
		for range 3 {
			conn.Read()
		}
		conn.Close()
		kit.Print(kit.Recv(lost, "OnConnectionLost"))
		if clean {
			kit.Print(kit.Wait(publish))
		}
		kit.Print(kit.Wait(subscribe), kit.Wait(unsubscribe), c.IsConnected(), c.IsConnectionOpen())
		kit.Print(kit.Wait(c.Publish("p", 1, false, "x")))
		// Connecting again works.
		t = c.Connect()
		conn = s.Accept()
		kit.Print(conn.Connack(0, !clean).CleanSession, kit.Wait(t), t.(*mqtt.ConnectToken).SessionPresent())
		if !clean {
			conn.Expect("again")
		}
		conn.End(c)
		s.Close()
	}
}
