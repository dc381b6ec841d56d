// A tutorial's options of a client that connects again. Added: the client, and a server's end of its connection.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://localhost:1883").
		SetClientID("reconnect_client").
		SetAutoReconnect(true) // 启用自动重连

	up := make(chan bool, 2)
	opts.SetOnConnectHandler(func(mqtt.Client) { up <- true })
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	<-up
	fmt.Println("connected")
	// A client with the same identifier takes the connection's place.
	other := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("reconnect_client").SetAutoReconnect(false))
	if token := other.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	<-up
	fmt.Println("connected again:", client.IsConnectionOpen())
	client.Disconnect(250)
	other.Disconnect(250)
}
