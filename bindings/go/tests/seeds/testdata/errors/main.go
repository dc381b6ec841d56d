// A tutorial's lines that look at a token's error. Added: a client that has lost its connection, so that there is one.
package main

import (
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	log.SetFlags(0)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("errors"))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	for range 2 {
		token := client.Publish("example/topic", 0, false, "Hello MQTT")
		if token.Wait() && token.Error() != nil {
			log.Fatalf("Error publishing message: %v", token.Error())
		}
		client.Disconnect(250)
	}
}
