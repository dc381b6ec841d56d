// Command pubsub is a publisher and a subscriber whose handlers answer on another topic: pubsub [URL].
package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

const (
	qos        = 1
	replyTopic = "pubsub/reply"
)

// SubscribeRoute is a topic with what is done for its messages.
type SubscribeRoute struct {
	TopicName      string
	BizLogicHandle func(msg mqtt.Message) ([]byte, error)
}

var logicHandlers = []SubscribeRoute{
	{"pubsub/aaa", func(msg mqtt.Message) ([]byte, error) { return append([]byte("a:"), msg.Payload()...), nil }},
	{"pubsub/bbb", func(msg mqtt.Message) ([]byte, error) { return append([]byte("b:"), msg.Payload()...), nil }},
}

func options(broker, id string) *mqtt.ClientOptions {
	opts := mqtt.NewClientOptions()
	opts.AddBroker(broker)
	opts.SetClientID(id)
	opts.SetOrderMatters(false) // unless messages must be handled in their order
	opts.ConnectTimeout = time.Second
	opts.WriteTimeout = time.Second
	opts.KeepAlive = 10
	opts.PingTimeout = time.Second
	opts.ConnectRetry = true
	opts.AutoReconnect = true
	// The document's handler for a lost connection takes a message; the library's takes an error.
	opts.OnConnectionLost = func(cl mqtt.Client, err error) { fmt.Println("connection lost") }
	opts.OnReconnecting = func(mqtt.Client, *mqtt.ClientOptions) { fmt.Println("attempting to reconnect") }
	opts.DefaultPublishHandler = func(_ mqtt.Client, msg mqtt.Message) { fmt.Printf("UNEXPECTED MESSAGE: %s\n", msg) }
	return opts
}

func connect(opts *mqtt.ClientOptions) mqtt.Client {
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		panic(token.Error())
	}
	return client
}

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	var subscribed sync.WaitGroup
	subscribed.Add(len(logicHandlers))
	sub := options(broker, "pubsub_sub")
	sub.SetOnConnectHandler(func(c mqtt.Client) {
		fmt.Println("the subscriber is connected")
		for _, route := range logicHandlers {
			t := c.Subscribe(route.TopicName, qos, func(client mqtt.Client, msg mqtt.Message) {
				reply, err := route.BizLogicHandle(msg)
				if err != nil {
					fmt.Println("handler:", err)
					return
				}
				// With Order false every handler has a goroutine of its own, so it may wait.
				if t := client.Publish(replyTopic, qos, false, reply); t.Wait() && t.Error() != nil {
					fmt.Printf("ERROR PUBLISHING: %s\n", t.Error())
				}
			})
			go func() {
				_ = t.Wait()
				if t.Error() != nil {
					fmt.Printf("ERROR SUBSCRIBING: %s\n", t.Error())
				}
				subscribed.Done()
			}()
		}
	})
	subscriber := connect(sub)
	subscribed.Wait()

	replies := make(chan string, 10)
	publisher := connect(options(broker, "pubsub_pub"))
	publisher.Subscribe(replyTopic, qos, func(_ mqtt.Client, msg mqtt.Message) { replies <- string(msg.Payload()) }).Wait()
	for _, route := range logicHandlers {
		t := publisher.Publish(route.TopicName, qos, false, "hello")
		go func() {
			_ = t.Wait()
			if t.Error() != nil {
				fmt.Printf("ERROR PUBLISHING: %s\n", t.Error())
			}
		}()
		fmt.Println(<-replies)
	}
	publisher.Disconnect(1000)
	subscriber.Disconnect(1000)
}
