// A tutorial's options with callbacks. Added: the client, and what both callbacks wait for.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	up, lost := make(chan bool, 1), make(chan bool, 1)
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://localhost:1883").
		SetClientID("callback_client").
		SetConnectionLostHandler(func(client mqtt.Client, err error) {
			fmt.Printf("Connection lost: %v\n", err)
			lost <- true
		}).
		SetOnConnectHandler(func(client mqtt.Client) {
			fmt.Println("Connected to MQTT broker")
			up <- true
		})
	opts.SetAutoReconnect(false)
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	<-up
	other := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("callback_client"))
	if token := other.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	<-lost
	other.Disconnect(250)
}
