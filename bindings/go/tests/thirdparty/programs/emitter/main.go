// Command emitter uses emitter.io's client, which has a Store of its own. Usage: emitter TCP
package main

import (
	"fmt"
	"os"
	"time"

	emitter "github.com/emitter-io/go/v2"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	received, up := make(chan string, 10), make(chan bool, 1)
	say := func(from string) emitter.MessageHandler {
		return func(_ *emitter.Client, m emitter.Message) {
			received <- from + " " + m.Topic() + " " + string(m.Payload())
		}
	}
	c := emitter.NewClient(emitter.WithBrokers(os.Args[1]), emitter.WithClientID(fmt.Sprint("emitter", os.Getpid())),
		emitter.WithUsername("user"), emitter.WithPassword("password"), emitter.WithKeepAlive(20*time.Second),
		emitter.WithConnectTimeout(time.Minute), emitter.WithMaxReconnectInterval(time.Second), emitter.WithAutoReconnect(false))
	c.OnMessage(say("default"))
	c.OnConnect(func(*emitter.Client) { up <- true })
	failures := make(chan string, 10)
	c.OnError(func(_ *emitter.Client, e emitter.Error) { failures <- e.Message })
	kit.Must(c.Connect())
	kit.Print(kit.Recv(up, "OnConnect"), c.IsConnected())

	// The server is no emitter: a key is the first level of a topic to it.
	kit.Must(c.Subscribe("key", "rooms/+/", say("rooms")))
	kit.Must(c.Subscribe("key", "cellar/", nil))
	for _, option := range []emitter.Option{emitter.WithAtMostOnce(), emitter.WithAtLeastOnce()} {
		kit.Must(c.Publish("key", "rooms/kitchen/", "hello", option))
		kit.Print(kit.Recv(received, "message"))
		kit.Must(c.Publish("key", "cellar/", []byte("bytes"), option))
		kit.Print(kit.Recv(received, "message"))
	}
	kit.Must(c.PublishWithRetain("key", "kept/", "kept"))
	kit.Must(c.PublishWithLink("key/cellar/", "by a link", emitter.WithAtLeastOnce()))
	kit.Print(kit.Recv(received, "message"))
	kit.Must(c.Subscribe("key", "kept/", nil))
	kit.Print(kit.Recv(received, "the kept message"))

	presence := make(chan emitter.PresenceEvent, 1)
	c.OnPresence(func(_ *emitter.Client, e emitter.PresenceEvent) { presence <- e })
	kit.Must(c.Subscribe("emitter", "error/", nil))
	kit.Must(c.Subscribe("", "emitter/presence", nil))
	kit.Must(c.PublishWithLink("emitter/error/", `{"status":401,"message":"the key is not known"}`))
	kit.Print(kit.Recv(failures, "error"))
	kit.Must(c.Presence("key", "rooms/", true, true)) // QoS 1: through the store
	kit.Must(c.PublishWithLink("emitter/presence/", `{"event":"subscribe","channel":"rooms/","who":"{\"id\":\"somebody\"}"}`))
	select {
	case e := <-presence:
		kit.Print(e.Event, e.Channel, len(e.Who))
	case <-time.After(kit.Patience):
		kit.Print("no presence")
	}

	kit.Must(c.Unsubscribe("key", "rooms/+/"))
	kit.Must(c.Publish("key", "rooms/kitchen/", "nobody hears this", emitter.WithAtLeastOnce()))
	kit.Must(c.Publish("key", "cellar/", "last", emitter.WithAtLeastOnce()))
	kit.Print(kit.Recv(received, "message"))
	kit.Must(c.PublishWithRetain("key", "kept/", ""))
	kit.Print(kit.Recv(received, "what clears the kept message"))
	c.Disconnect(250 * time.Millisecond)
	kit.Print(c.IsConnected(), c.Publish("key", "cellar/", "late"), len(received))
}
