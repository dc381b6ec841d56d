// Command notifications prints each step of connecting, of failing, and of losing the connection.
package main

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	var lock sync.Mutex
	var lines []string
	up, lost := make(chan bool, 5), make(chan bool, 5)
	o := kit.Options(kit.Refusing()).AddBroker(s.URL).SetAutoReconnect(true)
	o.SetConnectionAttemptHandler(func(broker *url.URL, config *tls.Config) *tls.Config {
		lock.Lock()
		defer lock.Unlock()
		lines = append(lines, fmt.Sprint("attempt ", broker, config == nil))
		return config
	})
	o.SetConnectionNotificationHandler(func(_ mqtt.Client, n mqtt.ConnectionNotification) {
		lock.Lock()
		defer lock.Unlock()
		switch n := n.(type) {
		case mqtt.ConnectionNotificationConnected:
			up <- true
			return // on a goroutine of its own: in no order with the others
		case mqtt.ConnectionNotificationLost:
			lines = append(lines, fmt.Sprint("lost ", n.Reason))
			lost <- true
			return
		case mqtt.ConnectionNotificationConnecting:
			lines = append(lines, fmt.Sprint("connecting ", n.IsReconnect, n.Attempt))
		case mqtt.ConnectionNotificationBroker:
			lines = append(lines, fmt.Sprint("broker ", n.Broker))
		case mqtt.ConnectionNotificationBrokerFailed:
			lines = append(lines, fmt.Sprint("broker failed ", n.Broker, n.Reason))
		case mqtt.ConnectionNotificationFailed:
			lines = append(lines, fmt.Sprint("failed ", n.Reason))
		}
		lines[len(lines)-1] += fmt.Sprint(" ", n.Type())
	})
	flush := func() {
		lock.Lock()
		defer lock.Unlock()
		for _, line := range lines {
			kit.Print(line)
		}
		lines = nil
	}
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))
	kit.Recv(up, "connected")
	flush()
	conn.End(c)
	flush()
	s.Close()
	kit.Print(kit.Wait(c.Connect()))
	flush()
}
