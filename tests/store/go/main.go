// Writes and reads a store as the Go client does: storefiles write|read DIRECTORY. The golden files beside it were written by it.
package main

import (
	"fmt"
	"os"
	"sort"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

func publish(id uint16, qos byte, payload string) *packets.PublishPacket {
	packet := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	packet.MessageID, packet.Qos, packet.TopicName, packet.Payload = id, qos, "go/store", []byte(payload)
	return packet
}

func main() {
	store := mqtt.NewFileStore(os.Args[2])
	store.Open()
	defer store.Close()
	if os.Args[1] == "write" {
		store.Put("o.1", publish(1, 1, "once at least"))
		store.Put("o.2", publish(2, 2, "once"))
		pubrel := packets.NewControlPacket(packets.Pubrel).(*packets.PubrelPacket)
		pubrel.MessageID = 3
		store.Put("o.3", pubrel)
		store.Put("i.4", publish(4, 2, "received"))
		subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
		subscribe.MessageID, subscribe.Topics, subscribe.Qoss = 5, []string{"go/#"}, []byte{1}
		store.Put("o.5", subscribe)
		return
	}
	keys := store.All()
	sort.Strings(keys)
	for _, key := range keys {
		switch packet := store.Get(key).(type) {
		case *packets.PublishPacket:
			fmt.Printf("%s PUBLISH %d qos %d %s %q\n", key, packet.MessageID, packet.Qos, packet.TopicName, packet.Payload)
		case *packets.PubrelPacket:
			fmt.Printf("%s PUBREL %d\n", key, packet.MessageID)
		case *packets.PubrecPacket:
			fmt.Printf("%s PUBREC %d\n", key, packet.MessageID)
		case *packets.SubscribePacket:
			fmt.Printf("%s SUBSCRIBE %d %v\n", key, packet.MessageID, packet.Topics)
		default:
			fmt.Printf("%s %v\n", key, packet)
		}
	}
}
