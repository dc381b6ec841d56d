// Command program has an autopaho manager with its session and its queue on disk, and does what its input says: "publish QOS PAYLOAD",
// "queue QOS PAYLOAD" and "disconnect". It prints what happens. Usage: program URL DIRECTORY
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/eclipse/paho.golang/autopaho"
	queues "github.com/eclipse/paho.golang/autopaho/queue/file"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
	stores "github.com/eclipse/paho.golang/paho/store/file"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	var lock sync.Mutex
	say := func(v ...any) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Println(v...)
	}
	place := func(name string) string {
		path := filepath.Join(os.Args[2], name)
		kit.Must(os.MkdirAll(path, 0o700))
		return path
	}
	client, err := stores.New(place("client"), "c", ".pkt")
	kit.Must(err)
	server, err := stores.New(place("server"), "s", ".pkt")
	kit.Must(err)
	queue, err := queues.New(place("queue"), "q", ".msg")
	kit.Must(err)
	s := kit.Server{URL: kit.URL(os.Args[1])}
	cfg := kit.Config(&s)
	cfg.SessionExpiryInterval = 3600
	cfg.Session = state.New(client, server)
	cfg.Queue = queue
	cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { say("connected") }
	cfg.OnConnectionDown = func() bool { say("down"); return true }
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		say("message", string(r.Packet.Payload), r.Packet.QoS, r.Packet.Duplicate())
		return true, nil
	}}
	m, err := autopaho.NewConnection(context.Background(), cfg)
	kit.Must(err)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command, rest, _ := strings.Cut(lines.Text(), " ")
		switch command {
		case "publish", "queue":
			message := &paho.Publish{Topic: "topic", QoS: rest[0] - '0', Retain: true, Payload: []byte(rest[2:]),
				Properties: &paho.PublishProperties{ContentType: "text", User: paho.UserProperties{{Key: "k", Value: "v"}}}}
			if command == "queue" {
				say("queued", rest[2:], m.PublishViaQueue(kit.Context(), &autopaho.QueuePublish{Publish: message}))
				continue
			}
			go func() {
				_, err := m.Publish(kit.Context(), message)
				say("ended", rest[2:], err)
			}()
		case "disconnect":
			say("disconnected", m.Disconnect(kit.Context()))
			return
		}
	}
}
