// Command queueing publishes by queues in memory and on disk, before a connection is made and after it is lost.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/autopaho/queue"
	"github.com/eclipse/paho.golang/autopaho/queue/file"
	"github.com/eclipse/paho.golang/autopaho/queue/memory"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

// answer reads n messages, prints and acknowledges them.
func answer(conn *kit.Conn, n int) {
	for under := 0; n > 0 || under > 0; {
		read := conn.Read()
		if read == nil {
			kit.Fatal("no message")
		}
		switch p := read.Content.(type) {
		case *packets.Publish:
			n--
			kit.Print(p.Topic, string(p.Payload), p.QoS, p.Retain, p.Duplicate, strings.ReplaceAll(p.Properties.String(), "\n", ""))
			switch p.QoS {
			case 1:
				conn.Send(&packets.Puback{PacketID: p.PacketID})
			case 2:
				under++
				conn.Send(&packets.Pubrec{PacketID: p.PacketID})
			}
		case *packets.Pubrel:
			under--
			conn.Send(&packets.Pubcomp{PacketID: p.PacketID})
		}
	}
}

func publish(m *autopaho.ConnectionManager, topic string, n int) {
	for i := range n {
		kit.Must(m.PublishViaQueue(kit.Context(), &autopaho.QueuePublish{Publish: &paho.Publish{
			Topic: topic, QoS: byte(i % 3), Retain: i == 1, Payload: fmt.Append(nil, i),
			Properties: &paho.PublishProperties{ContentType: "text", User: paho.UserProperties{{Key: "n", Value: fmt.Sprint(i)}}},
		}}))
		kit.Tick() // the original's order on disk is that of the file system's clock
	}
}

func run(q queue.Queue, empty func() chan struct{}) {
	s := kit.Listen()
	defer s.Close()
	cfg := kit.Config(s)
	cfg.Queue = q
	cfg.SessionExpiryInterval = 60
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	publish(m, "before", 6)
	conn.Connack(false)
	answer(conn, 6)
	<-empty()
	publish(m, "during", 6)
	answer(conn, 6)
	<-empty()
	conn.Close()
	conn = s.Accept()
	publish(m, "after", 3)
	conn.Connack(true)
	answer(conn, 3)
	// What is no message must not keep the next from being sent.
	kit.Must(q.Enqueue(strings.NewReader("no packet at all")))
	var ping bytes.Buffer
	(&packets.Pingreq{}).WriteTo(&ping)
	kit.Tick()
	kit.Must(q.Enqueue(&ping))
	kit.Tick()
	publish(m, "last", 1)
	answer(conn, 1)
	<-empty()
	kit.Print(m.Disconnect(kit.Context()))
	conn.Expect("end")
}

func main() {
	inMemory := memory.New()
	run(inMemory, inMemory.WaitForEmpty)
	directory, err := os.MkdirTemp("", "queue")
	kit.Must(err)
	defer os.RemoveAll(directory)
	onDisk, err := file.New(directory, "q", "msg")
	kit.Must(err)
	run(onDisk, onDisk.WaitForEmpty)
	names, _ := filepath.Glob(filepath.Join(directory, "*"))
	for _, name := range names {
		kit.Print(filepath.Base(name)[:1], filepath.Ext(name))
	}

	// What is in the queue outlives the manager and the queue.
	onDisk, err = file.New(directory, "q", ".msg")
	kit.Must(err)
	cfg := kit.Config(kit.Listen()) // does not accept
	cfg.Queue = onDisk
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	publish(m, "kept", 4)
	kit.Must(m.Disconnect(kit.Context()))
	onDisk, err = file.New(directory, "q", ".msg")
	kit.Must(err)
	s := kit.Listen()
	cfg = kit.Config(s)
	cfg.Queue = onDisk
	m, err = autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	conn.Connack(false)
	answer(conn, 4)
	<-onDisk.WaitForEmpty()
	_, err = onDisk.Peek()
	kit.Print(errors.Is(err, queue.ErrEmpty), m.Disconnect(kit.Context()))
}
