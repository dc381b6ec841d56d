// Command offline publishes while there is no connection, ends, and sends the messages when it runs again: offline [URL]. The messages wait as files.
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/file"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

const topic = "offline/measured"

// start begins to connect. What is in the queue is sent whenever there is a connection.
func start(ctx context.Context, broker, id, directory string, received chan<- string) (*autopaho.ConnectionManager, *file.Queue) {
	server, err := url.Parse(broker)
	if err != nil {
		log.Fatal(err)
	}
	queue, err := file.New(directory, "message", ".bin") // an error if files cannot be written there
	if err != nil {
		log.Fatal(err)
	}
	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls:            []*url.URL{server},
		KeepAlive:             20,
		SessionExpiryInterval: 60,
		Queue:                 queue,
		OnConnectionUp: func(manager *autopaho.ConnectionManager, _ *paho.Connack) {
			if received != nil {
				if _, err := manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
					log.Print(err)
				}
				received <- "subscribed"
			}
		},
		ClientConfig: paho.ClientConfig{
			ClientID: id,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(message paho.PublishReceived) (bool, error) {
					received <- string(message.Packet.Payload)
					return true, nil
				},
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return manager, queue
}

func main() {
	broker := "mqtt://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	directory, err := os.MkdirTemp("", "offline")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	// Nobody listens at the discard port.
	manager, _ := start(ctx, "mqtt://127.0.0.1:9", "offline_publisher", directory, nil)
	for i := range 3 {
		err := manager.PublishViaQueue(ctx, &autopaho.QueuePublish{Publish: &paho.Publish{Topic: topic, QoS: 1, Payload: fmt.Append(nil, i)}})
		if err != nil {
			log.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("stopped:", manager.Disconnect(ctx))
	files, _ := filepath.Glob(filepath.Join(directory, "message*.bin"))
	fmt.Println("files:", len(files))

	received := make(chan string, 10)
	subscriber, _ := start(ctx, broker, "offline_subscriber", filepath.Join(directory, "subscriber"), received)
	fmt.Println(<-received)
	manager, queue := start(ctx, broker, "offline_publisher", directory, nil)
	for range 3 {
		fmt.Println("received", <-received)
	}
	<-queue.WaitForEmpty()
	files, _ = filepath.Glob(filepath.Join(directory, "message*.bin"))
	fmt.Println("files:", len(files))
	fmt.Println("stopped:", manager.Disconnect(ctx), subscriber.Disconnect(ctx))
}
