// Command gettingstarted publishes ten messages to itself, and ends when it is interrupted: gettingstarted [URL [PAUSE]].
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

// MQTTConfig is what the program needs to know.
type MQTTConfig struct {
	Broker   string
	ClientID string
	Topic    string
	QoS      byte
	Pause    time.Duration
}

// messagePubHandler is called with each message.
var messagePubHandler mqtt.MessageHandler = func(client mqtt.Client, msg mqtt.Message) {
	fmt.Printf("Received message from topic: %s\n", msg.Topic())
	fmt.Printf("Message: %s\n", string(msg.Payload()))
}

var connectHandler mqtt.OnConnectHandler = func(client mqtt.Client) {
	log.Println("Connected to MQTT broker")
}

var connectLostHandler mqtt.ConnectionLostHandler = func(client mqtt.Client, err error) {
	log.Printf("Connection lost: %v\n", err)
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lshortfile)
	config := MQTTConfig{
		Broker:   "tcp://127.0.0.1:1883",
		ClientID: "simple-go-mqtt-client",
		Topic:    "test/topic",
		QoS:      1,
		Pause:    time.Second,
	}
	if len(os.Args) > 1 {
		config.Broker = os.Args[1]
	}
	if len(os.Args) > 2 {
		var err error
		if config.Pause, err = time.ParseDuration(os.Args[2]); err != nil {
			log.Fatal(err)
		}
	}

	opts := mqtt.NewClientOptions()
	opts.AddBroker(config.Broker)
	opts.SetClientID(config.ClientID)
	opts.SetKeepAlive(60 * time.Second)
	opts.SetPingTimeout(1 * time.Second)
	opts.SetConnectTimeout(5 * time.Second)
	opts.SetAutoReconnect(true)
	opts.SetMaxReconnectInterval(5 * time.Second)
	opts.OnConnect = connectHandler
	opts.OnConnectionLost = connectLostHandler
	opts.SetDefaultPublishHandler(messagePubHandler)

	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("Failed to connect to MQTT broker: %v", token.Error())
	}
	token := client.Subscribe(config.Topic, config.QoS, nil)
	if token.Wait() && token.Error() != nil {
		log.Printf("Failed to subscribe: %v", token.Error())
		client.Disconnect(250)
		return
	}
	fmt.Printf("Subscribed to topic: %s\n", config.Topic)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sigChan := make(chan os.Signal, 1)
	signal.Notify(sigChan, syscall.SIGINT, syscall.SIGTERM)

	go func() {
		for i := 1; i <= 10; i++ {
			select {
			case <-ctx.Done():
				return
			default:
				text := fmt.Sprintf("Hello MQTT from Go! Message %d", i)
				token := client.Publish(config.Topic, config.QoS, false, text)
				if token.Wait() && token.Error() != nil {
					log.Printf("Failed to publish message %d: %v", i, token.Error())
					continue
				}
				log.Printf("Published message: %s\n", text)
				time.Sleep(config.Pause)
			}
		}
	}()

	<-sigChan
	fmt.Println("Shutting down...")
	if token := client.Unsubscribe(config.Topic); token.Wait() && token.Error() != nil {
		log.Printf("Failed to unsubscribe: %v", token.Error())
	}
	client.Disconnect(250)
	fmt.Println("Disconnected from MQTT broker")
}
