// Command routes shows which handlers a message goes to, and in which order.
package main

import (
	"fmt"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	s := kit.Listen()
	calls := make(chan string, 100)
	handler := func(name string) mqtt.MessageHandler {
		return func(_ mqtt.Client, m mqtt.Message) {
			calls <- fmt.Sprint(name, " ", m.Topic(), " ", string(m.Payload()))
		}
	}
	c := mqtt.NewClient(kit.Options(s.URL).SetDefaultPublishHandler(handler("default")))
	for _, filter := range []string{"a/b", "a/+", "a/#", "#", "+/b", "$share/g/a/b", "a/b/", "/a", "+", "+/+/+", "b/#/c"} {
		c.AddRoute(filter, handler(filter))
	}
	c.AddRoute("nil", nil)
	c.AddRoute("a/+", handler("a/+ replaced"))
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	kit.Print(kit.Wait(t))
	// end sends a message of its own and prints the calls up to its last one. The acknowledgement is no mark: it follows the first handler.
	end := func(topic, last string) {
		conn.Message(topic, "end", 1, 9, false, false)
		conn.Expect("ack")
		for line := ""; line != fmt.Sprint(last, " ", topic, " end"); {
			line = kit.Recv(calls, "call")
			kit.Print(line)
		}
	}
	for _, topic := range []string{"a/b", "a", "a/c", "x/b", "a/b/", "/a", "", "a//b", "b/x/c", "a/b/c"} {
		kit.Print("topic", topic)
		if topic != "" {
			conn.Message(topic, "m", 0, 0, false, false)
		}
		end("a/b/c/d/e/end", "#")
	}
	sub := c.Subscribe("$share/grp/q/1", 1, handler("shared"))
	conn.Suback(conn.Read().Details().MessageID, 1)
	kit.Print(kit.Wait(sub))
	un := c.Unsubscribe("#", "a/#")
	conn.Ack(packets.Unsuback, conn.Read().Details().MessageID)
	kit.Print(kit.Wait(un))
	for _, topic := range []string{"q/1", "a/b", "none/of/them/all"} {
		kit.Print("topic", topic)
		conn.Message(topic, "m", 0, 0, false, false)
		end("sync/b", "+/b")
	}
	conn.End(c)
}
