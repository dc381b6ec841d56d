// The first program of a tutorial. Changed: "time", which it imports and does not use.
package main

import (
	"fmt"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	// 定义 MQTT 客户端选项
	opts := mqtt.NewClientOptions().
		AddBroker("tcp://localhost:1883"). // 代理地址
		SetClientID("go_mqtt_client").     // 客户端 ID
		SetUsername("user").               // 用户名（可选）
		SetPassword("password")            // 密码（可选）

	// 创建客户端
	client := mqtt.NewClient(opts)

	// 连接到 MQTT 代理
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}

	fmt.Println("Connected to MQTT broker")

	// 延迟关闭客户端
	defer client.Disconnect(250)
}
