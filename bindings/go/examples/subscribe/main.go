// Command subscribe prints the messages of example/topic until it is interrupted: subscribe [URL].
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	opts := mqtt.NewClientOptions().AddBroker(broker).SetClientID("subscriber")
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	messageHandler := func(client mqtt.Client, msg mqtt.Message) {
		fmt.Printf("Received message: %s from topic: %s\n", msg.Payload(), msg.Topic())
	}
	topic := "example/topic"
	token := client.Subscribe(topic, 0, messageHandler)
	token.Wait()
	fmt.Printf("Subscribed to topic %s\n", topic)

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	<-interrupted

	client.Unsubscribe(topic).Wait()
	fmt.Println("Unsubscribed from topic", topic)
}
