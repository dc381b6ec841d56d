// Command program has a FileStore, and does what its input says: "publish QOS PAYLOAD" and "disconnect". It prints what happens.
// Usage: program URL DIRECTORY
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	var lock sync.Mutex
	say := func(v ...any) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Println(v...)
	}
	o := kit.Options(os.Args[1]).SetCleanSession(false).SetStore(mqtt.NewFileStore(os.Args[2]))
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { say("message", string(m.Payload()), m.Qos(), m.Duplicate()) })
	c := mqtt.NewClient(o)
	if err := kit.Wait(c.Connect()); err != "<nil>" {
		say("FATAL", err)
		os.Exit(1)
	}
	say("connected")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command, rest, _ := strings.Cut(lines.Text(), " ")
		switch command {
		case "publish":
			token := c.Publish("topic", rest[0]-'0', true, rest[2:])
			go func() { say("ended", rest[2:], kit.Wait(token)) }()
		case "disconnect":
			c.Disconnect(1000)
			say("disconnected")
			return
		}
	}
}
