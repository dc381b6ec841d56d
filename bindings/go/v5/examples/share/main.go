// Command share spreads one topic's messages over several processes, each of which takes a part, by MQTT 5: share [URL].
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

const (
	workers  = 3
	messages = 90
)

var ctx = context.Background()

// connect waits for a connection. Whenever there is one, it subscribes to these topics.
func connect(broker, id string, handler func(*paho.Publish), topics ...string) *autopaho.ConnectionManager {
	server, err := url.Parse(broker)
	if err != nil {
		log.Fatal(err)
	}
	subscribed := make(chan struct{}, 1)
	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{server},
		KeepAlive:  20,
		OnConnectionUp: func(manager *autopaho.ConnectionManager, _ *paho.Connack) {
			for _, topic := range topics {
				if _, err := manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}}); err != nil {
					log.Print(err)
				}
			}
			subscribed <- struct{}{}
		},
		ClientConfig: paho.ClientConfig{
			ClientID: id,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(received paho.PublishReceived) (bool, error) { handler(received.Packet); return true, nil },
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	<-subscribed
	return manager
}

// work prints each message that this process gets of the group's.
func work(broker, id string) {
	done := make(chan struct{})
	// Messages are published to share/work. A topic that begins with $share is for subscriptions only.
	manager := connect(broker, id, func(message *paho.Publish) {
		if message.Topic == "share/end" {
			close(done)
			return
		}
		fmt.Println("got", string(message.Payload))
	}, "share/end", "$share/group/share/work")
	fmt.Println("ready")
	<-done
	if err := manager.Disconnect(ctx); err != nil {
		log.Fatal(err)
	}
}

func main() {
	broker := "mqtt://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	if len(os.Args) > 2 {
		work(broker, os.Args[2])
		return
	}
	lines := make(chan string, messages)
	var ended sync.WaitGroup
	for i := range workers {
		worker := exec.Command(os.Args[0], broker, "worker"+strconv.Itoa(i))
		worker.Stderr = os.Stderr
		out, err := worker.StdoutPipe()
		if err != nil {
			log.Fatal(err)
		}
		if err := worker.Start(); err != nil {
			log.Fatal(err)
		}
		ended.Add(1)
		go func() {
			defer ended.Done()
			for scanner := bufio.NewScanner(out); scanner.Scan(); {
				lines <- fmt.Sprint(i, " ", scanner.Text())
			}
			if err := worker.Wait(); err != nil {
				log.Fatal(err)
			}
		}()
	}
	for range workers {
		<-lines // ready
	}
	manager := connect(broker, "share_publisher", func(*paho.Publish) {})
	publish := func(topic, text string) {
		if _, err := manager.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(text)}); err != nil {
			log.Fatal(err)
		}
	}
	for i := range messages {
		publish("share/work", strconv.Itoa(i))
	}
	seen, by := map[string]int{}, map[string]int{}
	for range messages {
		worker, message, _ := strings.Cut(<-lines, " ")
		seen[message]++
		by[worker]++
	}
	publish("share/end", "")
	ended.Wait()
	if err := manager.Disconnect(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("different messages:", len(seen), "workers that got some:", len(by))
}
