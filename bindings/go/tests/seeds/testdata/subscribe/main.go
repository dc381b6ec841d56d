// A tutorial's program that subscribes, as it stands there.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	// 创建客户端选项和连接
	opts := mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("subscriber")
	client := mqtt.NewClient(opts)

	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	defer client.Disconnect(250)

	// 定义消息处理回调函数
	messageHandler := func(client mqtt.Client, msg mqtt.Message) {
		fmt.Printf("Received message: %s from topic: %s\n", msg.Payload(), msg.Topic())
	}

	// 订阅主题
	topic := "example/topic"
	token := client.Subscribe(topic, 0, messageHandler)
	token.Wait()

	fmt.Printf("Subscribed to topic %s\n", topic)

	// 保持运行，以便接收消息
	select {}
}
