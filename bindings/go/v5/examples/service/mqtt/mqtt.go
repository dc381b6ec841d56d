// Package mqtt holds a service's connection by MQTT 5: one client that the whole program uses.
package mqtt

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// Client is the connection. It may be used once NewMqttClient has closed Ready.
var (
	Client *autopaho.ConnectionManager
	Ready  = make(chan struct{})
	// Received has the messages of the topics that the service subscribed to.
	Received = make(chan *paho.Publish, 1000)
)

const (
	username = "admin"
	password = "admin"
)

// NewMqttClient connects, and keeps the connection until ctx ends.
func NewMqttClient(ctx context.Context, brokerURL string) error {
	clientID := "1235264" // a server has one client of an identifier at a time
	server, err := url.Parse(brokerURL)
	if err != nil {
		return err
	}
	cliCfg := autopaho.ClientConfig{
		ServerUrls:      []*url.URL{server},
		ConnectUsername: username,
		ConnectPassword: []byte(password),
		KeepAlive:       20,
		OnConnectError:  func(err error) { log.Printf("连接错误: %v", err) },
		ClientConfig: paho.ClientConfig{
			ClientID: fmt.Sprintf("%s-%s", "service", clientID),
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(received paho.PublishReceived) (bool, error) {
					Received <- received.Packet
					return true, nil
				},
			},
		},
	}
	if Client, err = autopaho.NewConnection(ctx, cliCfg); err != nil {
		return err
	}
	if err = Client.AwaitConnection(ctx); err != nil {
		return err
	}
	fmt.Println("mqtt连接成功")
	close(Ready)
	<-Client.Done()
	return nil
}

// Publish sends a message, and waits until the server has it.
func Publish(ctx context.Context, topic, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := Client.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(text)})
	return err
}

// SubscribeToTopic asks for the messages of a topic. With $share/GROUP/TOPIC each message goes to one of the group's members.
func SubscribeToTopic(ctx context.Context, topic string) error {
	_, err := Client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
	return err
}
