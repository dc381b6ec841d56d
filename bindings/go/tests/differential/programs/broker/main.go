// Command broker uses a real server: usage: broker URL.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	o := mqtt.NewClientOptions().AddBroker(os.Args[1]).SetClientID(fmt.Sprint("broker", os.Getpid()))
	if len(os.Args) > 2 {
		pem, err := os.ReadFile(os.Args[2])
		kit.Must(err)
		pool := x509.NewCertPool()
		kit.Print(pool.AppendCertsFromPEM(pem))
		o.SetTLSConfig(&tls.Config{RootCAs: pool})
	}
	c := mqtt.NewClient(o)
	kit.Print(kit.Wait(c.Connect()))
	prefix := fmt.Sprint("broker", os.Getpid())
	messages := make(chan mqtt.Message, 1000)
	sub := c.Subscribe(prefix+"/+", 2, func(_ mqtt.Client, m mqtt.Message) { messages <- m })
	kit.Print(kit.Wait(sub))
	for _, code := range sub.(*mqtt.SubscribeToken).Result() {
		kit.Print(code)
	}
	for qos := byte(0); qos < 3; qos++ {
		for _, size := range []int{0, 1, 100, 5000, 300000} {
			t := c.Publish(prefix+"/x", qos, false, strings.Repeat("x", size))
			m := kit.Recv(messages, "message")
			kit.Print(qos, size, kit.Wait(t), m.Qos(), len(m.Payload()), m.Retained(), m.Duplicate(), strings.TrimPrefix(m.Topic(), prefix))
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 100 {
				if err := kit.Wait(c.Publish(prefix+"/y", byte(i%3), false, "y")); err != "<nil>" {
					kit.Print(err)
				}
			}
		}()
	}
	all.Wait()
	for range 800 {
		kit.Recv(messages, "message")
	}
	kit.Print(kit.Wait(c.Publish(prefix+"/r", 1, true, "retained")))
	kit.Recv(messages, "message")
	kit.Print(kit.Wait(c.Subscribe(prefix+"/r", 1, nil)))
	m := kit.Recv(messages, "retained message")
	kit.Print(m.Retained(), string(m.Payload()))
	kit.Print(kit.Wait(c.Publish(prefix+"/r", 1, true, "")))
	kit.Recv(messages, "message")
	kit.Print(kit.Wait(c.Unsubscribe(prefix+"/+", prefix+"/r")))
	kit.Print(kit.Wait(c.Publish(prefix+"/x", 1, false, "nobody")))
	// What the server has not sent before this message will not come.
	kit.Print(kit.Wait(c.Subscribe(prefix+"/last", 1, func(_ mqtt.Client, m mqtt.Message) { messages <- m })))
	kit.Print(kit.Wait(c.Publish(prefix+"/last", 1, false, "last")))
	kit.Print(string(kit.Recv(messages, "message").Payload()), len(messages))
	c.Disconnect(kit.Quiesce)
	kit.Print(c.IsConnected(), kit.Wait(c.Publish("x", 0, false, "")))
	kit.Print(kit.Wait(c.Connect()), c.IsConnectionOpen())
	c.Disconnect(kit.Quiesce)
}
