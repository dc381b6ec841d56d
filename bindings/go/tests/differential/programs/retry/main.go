// Command retry connects with ConnectRetry before the server is up.
package main

import (
	"net"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	up := make(chan bool)
	o := kit.Options(s.URL).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).SetCleanSession(false)
	tries := make(chan int, 1000)
	n := 0
	dialer := &net.Dialer{}
	o.SetDialer(dialer)
	o.SetConnectionAttemptHandler(nil)
	o.SetConnectionNotificationHandler(func(_ mqtt.Client, e mqtt.ConnectionNotification) {
		if e, ok := e.(mqtt.ConnectionNotificationConnecting); ok {
			tries <- e.Attempt
		}
		if _, ok := e.(mqtt.ConnectionNotificationConnected); ok {
			close(up)
		}
	})
	_ = n
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	kit.Print("connecting", c.IsConnected(), c.IsConnectionOpen(), t.WaitTimeout(0))
	p := c.Publish("early", 1, false, "x")
	kit.Print(p.WaitTimeout(0), p.Error(), p.(*mqtt.PublishToken).MessageID())
	kit.Print(kit.Wait(c.Subscribe("early", 0, nil)))
	kit.Print(kit.Wait(c.Connect()))
	conn.Close()
	conn = s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t), kit.Recv(tries, "attempt"), kit.Recv(tries, "attempt"))
	<-up
	publish := conn.Read().(*packets.PublishPacket)
	kit.Print(publish.TopicName, publish.MessageID, publish.Qos)
	conn.Ack(packets.Puback, publish.MessageID)
	conn.End(c)

	// Disconnect ends the tries.
	silent := kit.Listen()
	c = mqtt.NewClient(kit.Options(silent.URL).SetConnectRetry(true).SetConnectRetryInterval(10 * time.Millisecond))
	t = c.Connect()
	silent.Accept().Close()
	c.Disconnect(1) // the genuine library waits that long, though there is nothing to wait for
	kit.Print(kit.Wait(t) != "<nil>", c.IsConnected())
}
