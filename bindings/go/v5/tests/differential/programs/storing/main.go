// Command storing prints what the stores of a session and the topic aliases do.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/extensions/topicaliases"
	"github.com/eclipse/paho.golang/paho/store/file"
	"github.com/eclipse/paho.golang/paho/store/memory"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

type store interface {
	Put(packetID uint16, packetType byte, w io.WriterTo) error
	Get(packetID uint16) (io.ReadCloser, error)
	Delete(id uint16) error
	Quarantine(id uint16) error
	List() ([]uint16, error)
	Reset() error
}

// list prints what is in the store. The original's file store has a 0 for each file that is none of its own.
func list(s store) {
	ids, err := s.List()
	fmt.Print(err, " ")
	for _, id := range ids {
		if id != 0 {
			fmt.Print(id, " ")
		}
	}
	fmt.Println()
}

func run(s store) {
	for _, id := range []uint16{7, 65535, 1, 300} {
		fmt.Println(s.Put(id, packets.PUBLISH, &packets.Publish{Topic: "t", QoS: 1, PacketID: id, Payload: fmt.Append(nil, id)}))
		kit.Tick() // the order is that of the file system's clock
	}
	list(s)
	reader, err := s.Get(65535)
	fmt.Println(err)
	packet, err := packets.ReadPacket(reader)
	fmt.Println(packet, err, reader.Close())
	_, err = s.Get(2)
	fmt.Println(err != nil, errors.Is(err, memory.ErrNotInStore))
	fmt.Println(s.Delete(1), s.Delete(2) != nil, s.Quarantine(300))
	list(s)
	fmt.Println(s.Put(7, packets.PUBREL, &packets.Pubrel{PacketID: 7}))
	list(s)
}

func main() {
	inMemory := memory.New()
	run(inMemory)
	fmt.Println(strings.Contains(inMemory.String(), "packet 7 is PUBREL"))
	fmt.Println(inMemory.Reset())
	list(inMemory)
	directory, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	onDisk, err := file.New(filepath.Join(directory, "new"), "p", "ext")
	fmt.Println(err, strings.ReplaceAll(onDisk.String(), directory, ""))
	run(onDisk)
	names, _ := filepath.Glob(filepath.Join(directory, "new", "*"))
	for _, name := range names {
		if text, _ := os.ReadFile(name); !strings.HasSuffix(name, ".CORRUPT") {
			fmt.Printf("%s %x\n", filepath.Base(name), text)
		}
	}
	_, err = file.New(names[0], "", "")
	fmt.Println(err != nil)

	aliases := topicaliases.NewTAHandler(5)
	for _, topic := range []string{"a", "b", "a", "c", "b"} {
		p := &paho.Publish{Topic: topic}
		aliases.PublishHook(p)
		fmt.Println(topic, p.Topic, *p.Properties.TopicAlias, aliases.GetTopic(*p.Properties.TopicAlias), aliases.GetAlias(topic))
	}
	aliases.ResetAlias("z", 2)
	fmt.Println(aliases.GetTopic(2), aliases.GetAlias("z"), aliases.GetAlias("b"))
	aliases.ResetAll()
	fmt.Println(aliases.GetTopic(1), aliases.SetAlias("new"))
}
