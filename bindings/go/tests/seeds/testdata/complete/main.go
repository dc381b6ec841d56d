// A tutorial's last program, whose text breaks off after the connection. Added: the rest.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	// 创建并连接 MQTT 客户端
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://localhost:1883").
		SetClientID("mqtt_example")
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	received := make(chan bool)
	client.Subscribe("example/topic", 0, func(client mqtt.Client, msg mqtt.Message) {
		fmt.Printf("Received message: %s from topic: %s\n", msg.Payload(), msg.Topic())
		received <- true
	}).Wait()
	client.Publish("example/topic", 0, false, "Hello MQTT").Wait()
	<-received
}
