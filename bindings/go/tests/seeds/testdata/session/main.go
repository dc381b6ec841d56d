// A tutorial's options of a session that is kept. Added: the client, and what shows the session.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	for range 2 {
		opts := mqtt.NewClientOptions().
			AddBroker("tcp://localhost:1883").
			SetClientID("persistent_client").
			SetCleanSession(false) // 启用持久化会话

		client := mqtt.NewClient(opts)
		token := client.Connect()
		if token.Wait() && token.Error() != nil {
			log.Fatal(token.Error())
		}
		fmt.Println("session present:", token.(*mqtt.ConnectToken).SessionPresent())
		client.Disconnect(250)
	}
}
