// A tutorial's two lines that unsubscribe. Added: the client that they need.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("unsubscriber"))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)
	client.Subscribe("example/topic", 0, nil).Wait()

	client.Unsubscribe("example/topic").Wait()
	fmt.Println("Unsubscribed from topic example/topic")
}
