// Command service connects by MQTT 5, subscribes, and publishes a hundred messages to itself: service [URL].
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/examples/service/mqtt"
)

func main() {
	broker := "mqtt://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mqtt.NewMqttClient(ctx, broker) }()
	<-mqtt.Ready
	if err := mqtt.SubscribeToTopic(ctx, "xingcxb_test"); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < 100; i++ {
		if err := mqtt.Publish(ctx, "xingcxb_test", fmt.Sprintf("%d+%d", 10, i)); err != nil {
			log.Fatal(err)
		}
	}
	for i := 0; i < 100; i++ {
		message := <-mqtt.Received
		fmt.Println(message.Topic, string(message.Payload))
	}
	cancel()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
}
