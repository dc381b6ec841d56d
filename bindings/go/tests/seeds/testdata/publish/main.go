// A tutorial's program that publishes. Changed: "time", which it imports and does not use.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	// 创建客户端选项和连接
	opts := mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("publisher")
	client := mqtt.NewClient(opts)

	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	// 发布消息
	topic := "example/topic"
	msg := "Hello MQTT"
	token := client.Publish(topic, 0, false, msg)
	token.Wait()

	fmt.Printf("Message published to topic %s: %s\n", topic, msg)
}
