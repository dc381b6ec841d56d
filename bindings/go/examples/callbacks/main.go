// Command callbacks shows the callbacks of a connection: callbacks [URL].
package main

import (
	"fmt"
	"log"
	"os"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	connected := make(chan bool, 1)
	opts := mqtt.NewClientOptions().
		AddBroker(broker).
		SetClientID("callback_client").
		SetConnectionLostHandler(func(client mqtt.Client, err error) {
			fmt.Printf("Connection lost: %v\n", err)
		}).
		SetOnConnectHandler(func(client mqtt.Client) {
			fmt.Println("Connected to MQTT broker")
			connected <- true
		})
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.WaitTimeout(10*time.Second) && token.Error() != nil {
		log.Fatal(token.Error())
	}
	<-connected
	token := client.Publish("example/topic", 1, false, "Hello MQTT")
	if token.Wait() && token.Error() != nil {
		log.Fatalf("Error publishing message: %v", token.Error())
	}
	client.Disconnect(250)
	fmt.Println("connected:", client.IsConnected())
}
