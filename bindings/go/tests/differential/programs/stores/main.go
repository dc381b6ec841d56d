// Command stores calls the stores by hand.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func packet(id uint16) packets.ControlPacket {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.Qos, p.MessageID, p.TopicName, p.Payload = 1, id, "t", []byte(fmt.Sprint("payload ", id))
	return p
}

func use(name string, s mqtt.Store, ordered bool) {
	kit.Print(name)
	s.Open()
	kit.Print(len(s.All()))
	for _, id := range []uint16{3, 1, 2} {
		s.Put(fmt.Sprint("o.", id), packet(id))
		kit.Tick()
	}
	s.Put("i.9", packets.NewControlPacket(packets.Pubrel))
	keys := s.All()
	if !ordered {
		sort.Strings(keys)
	}
	kit.Print(keys)
	kit.Print(s.Get("o.1"), s.Get("o.4"), s.Get("i.9"))
	s.Del("o.1")
	s.Del("o.4")
	kit.Print(len(s.All()), s.Get("o.1"))
	s.Close()
	kit.Print(s.All(), s.Get("o.2"))
	s.Put("o.7", packet(7))
	s.Open()
	kit.Print(len(s.All()))
	s.Reset()
	kit.Print(len(s.All()))
	s.Close()
}

func main() {
	use("memory", mqtt.NewMemoryStore(), false)
	use("ordered", mqtt.NewOrderedMemoryStore(), true)
	directory, err := os.MkdirTemp("", "stores")
	kit.Must(err)
	defer os.RemoveAll(directory)
	inside := filepath.Join(directory, "a", "b")
	use("file", mqtt.NewFileStore(inside), true)
	s := mqtt.NewFileStore(inside)
	s.Open()
	s.Put("o.5", packet(5))
	content, err := os.ReadFile(filepath.Join(inside, "o.5.msg"))
	kit.Print(fmt.Sprintf("%x", content), err)
	kit.Must(os.WriteFile(filepath.Join(inside, "o.6.msg"), []byte{0x30}, 0o600))
	kit.Print(s.Get("o.6"))
	names, _ := filepath.Glob(filepath.Join(inside, "*"))
	for _, name := range names {
		kit.Print(filepath.Base(name))
	}
}
