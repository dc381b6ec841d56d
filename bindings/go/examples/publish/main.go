// Command publish connects, publishes one message and disconnects: publish [URL].
package main

import (
	"fmt"
	"log"
	"os"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	opts := mqtt.NewClientOptions().AddBroker(broker).SetClientID("publisher")
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	topic := "example/topic"
	msg := "Hello MQTT"
	token := client.Publish(topic, 0, false, msg)
	token.Wait()

	fmt.Printf("Message published to topic %s: %s\n", topic, msg)
}
