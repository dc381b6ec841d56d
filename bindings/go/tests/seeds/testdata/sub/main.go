// A guide's steps for a client that subscribes. Changed: the package has one name; the handler of a lost connection takes an error; the business logic
// takes the message in both places; the loop that waits for the token is outside of the handler. Added: the topics' logic, and the end.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	SERVERADDRESS = "tcp://localhost:1883"
	CLIENTID      = "sub"
	QOS           = 1
)

type SubscribleRoute struct { // 定义消息订阅topic和具体的业务逻辑处理
	TopicName      string
	BizLogicHandle func(msg mqtt.Message) ([]byte, error)
}

var logicHandlers = []SubscribleRoute{
	{"aaa", func(msg mqtt.Message) ([]byte, error) { return append([]byte("answer to "), msg.Payload()...), nil }},
	{"bbb", func(msg mqtt.Message) ([]byte, error) { return nil, nil }},
}

func main() {
	opts := mqtt.NewClientOptions()
	opts.AddBroker(SERVERADDRESS)
	opts.SetClientID(CLIENTID)
	opts.SetOrderMatters(false) // 允许乱序消息
	opts.ConnectTimeout = time.Second
	opts.WriteTimeout = time.Second
	opts.KeepAlive = 10
	opts.PingTimeout = time.Second
	opts.ConnectRetry = true
	opts.AutoReconnect = true
	opts.DefaultPublishHandler = func(_ mqtt.Client, msg mqtt.Message) {
		fmt.Printf("UNEXPECTED MESSAGE: %s\n", msg.Payload())
	}
	opts.OnConnectionLost = func(_ mqtt.Client, err error) {
		fmt.Println("connection lost")
	}
	// 注册 sub client 连接上后的回调函数; 主要是注册订阅topic 的回调函数
	opts.SetOnConnectHandler(func(c mqtt.Client) {
		fmt.Println("clientid is connected.")
		// client 连接上后，首先注册 所有 topic和对应的处理函数，比如：
		for i := 0; i < len(logicHandlers); i++ {
			t := c.Subscribe(logicHandlers[i].TopicName, QOS, func(client mqtt.Client, msg mqtt.Message) {
				// 具体的业务逻辑
				answer, err := logicHandlers[i].BizLogicHandle(msg)
				// 收到订阅数据的处理逻辑； 包括处理完后对mqtt 发送回包消息（往另外 reply_topic 上发送msg）
				t := client.Publish("reply_topic", QOS, false, answer)
				fmt.Println(string(answer), err, t.Wait(), t.Error())
			})
			_ = t.Wait() // Can also use '<-t.Done()' in releases > 1.2.0
			if t.Error() != nil {
				fmt.Printf("ERROR SUBSCRIBING: %s\n", t.Error())
			} else {
				fmt.Println("subscribed to: ", logicHandlers[i].TopicName)
			}
		}
	})
	opts.OnReconnecting = func(mqtt.Client, *mqtt.ClientOptions) {
		fmt.Println("attempting to reconnect")
	}
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		panic(token.Error())
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	<-signals
	client.Disconnect(1000)
}
