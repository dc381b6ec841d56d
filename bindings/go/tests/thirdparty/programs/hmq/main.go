// Command hmq runs the broker HMQ, which is made of package packets, and talks to it.
package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/fhmq/hmq/broker"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	kit.Must(err)
	address := l.Addr().String()
	l.Close()
	host, port, err := net.SplitHostPort(address)
	kit.Must(err)
	b, err := broker.NewBroker(&broker.Config{Worker: 64, Host: host, Port: port})
	kit.Must(err)
	b.Start()

	connect := func(id string, change func(*mqtt.ClientOptions)) mqtt.Client {
		// The broker begins to listen at some time.
		o := mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID(id).SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond).SetAutoReconnect(false)
		change(o)
		c := mqtt.NewClient(o)
		kit.Print(id, kit.Wait(c.Connect()))
		return c
	}
	received := make(chan string, 100)
	say := func(_ mqtt.Client, m mqtt.Message) {
		payload := string(m.Payload())
		if len(payload) > 100 {
			payload = fmt.Sprint(len(payload), " bytes")
		}
		received <- fmt.Sprint(m.Topic(), " ", payload, " ", m.Qos(), m.Retained())
	}
	sub := connect("sub", func(o *mqtt.ClientOptions) { o.SetUsername("user").SetPassword("password") })
	token := sub.SubscribeMultiple(map[string]byte{"a/+": 1, "will": 1}, say).(*mqtt.SubscribeToken)
	kit.Print(kit.Wait(token), token.Result())
	pub := connect("pub", func(o *mqtt.ClientOptions) { o.SetWill("will", "gone", 1, false) })
	for qos := byte(0); qos < 3; qos++ {
		for _, size := range []int{0, 1, 200, 70000} {
			kit.Print(kit.Wait(pub.Publish(fmt.Sprint("a/", qos), qos, false, strings.Repeat("x", size))), kit.Recv(received, "message"))
		}
	}
	kit.Print(kit.Wait(pub.Publish("kept", 1, true, "kept")))
	kit.Print(kit.Wait(sub.Subscribe("kept", 1, say)), kit.Recv(received, "the kept message"))
	kit.Print(kit.Wait(sub.Unsubscribe("a/+")))
	kit.Print(kit.Wait(pub.Publish("a/1", 1, false, "nobody hears this")), kit.Wait(pub.Publish("kept", 1, false, "last")), kit.Recv(received, "message"))
	pub.Disconnect(250)
	sub.Disconnect(250)
	kit.Print(len(received))
}
