// Command complete publishes and subscribes with one client: complete [URL].
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
	opts := mqtt.NewClientOptions().
		AddBroker(broker).
		SetClientID("mqtt_example").
		SetUsername("user").
		SetPassword("password")
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	done := make(chan struct{})
	token := client.Subscribe("example/complete", 1, func(client mqtt.Client, msg mqtt.Message) {
		fmt.Printf("Received message: %s from topic: %s\n", msg.Payload(), msg.Topic())
		if string(msg.Payload()) == "message 4" {
			close(done)
		}
	})
	if token.Wait() && token.Error() != nil {
		log.Fatalf("Subscribe Error: %v", token.Error())
	}
	for i := range 5 {
		token := client.Publish("example/complete", 1, false, fmt.Sprintf("message %d", i))
		if token.Wait() && token.Error() != nil {
			log.Fatalf("Publish Error: %v", token.Error())
		}
	}
	<-done
	client.Unsubscribe("example/complete").Wait()
}
