// Command request asks over MQTT 3.1.1 and gets answers, each to the asker's own topic: request [URL].
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

// A call says where its answer shall go, and which one it is.
type call struct {
	ReplyTo string `json:"reply_to"`
	ID      int    `json:"id"`
	Text    string `json:"text"`
}

func connect(broker, id string) mqtt.Client {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID(id))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	return client
}

func serve(client mqtt.Client) {
	client.Subscribe("request/upper", 1, func(client mqtt.Client, m mqtt.Message) {
		var c call
		if err := json.Unmarshal(m.Payload(), &c); err != nil {
			return
		}
		answer, _ := json.Marshal(call{ID: c.ID, Text: strings.ToUpper(c.Text)})
		client.Publish(c.ReplyTo, 1, false, answer)
	}).Wait()
}

// A caller has calls under way at the same time.
type caller struct {
	client  mqtt.Client
	mu      sync.Mutex
	last    int
	waiting map[int]chan string
}

func newCaller(client mqtt.Client) *caller {
	c := &caller{client: client, waiting: map[int]chan string{}}
	client.Subscribe("request/answers/caller", 1, func(_ mqtt.Client, m mqtt.Message) {
		var answer call
		if json.Unmarshal(m.Payload(), &answer) != nil {
			return
		}
		c.mu.Lock()
		to := c.waiting[answer.ID]
		delete(c.waiting, answer.ID)
		c.mu.Unlock()
		if to != nil {
			to <- answer.Text
		}
	}).Wait()
	return c
}

func (c *caller) ask(text string) (string, error) {
	answer := make(chan string, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = answer
	c.mu.Unlock()
	request, _ := json.Marshal(call{ReplyTo: "request/answers/caller", ID: id, Text: text})
	c.client.Publish("request/upper", 1, false, request)
	select {
	case text := <-answer:
		return text, nil
	case <-time.After(10 * time.Second):
		return "", fmt.Errorf("no answer to call %d", id)
	}
}

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	server, client := connect(broker, "request_server"), connect(broker, "request_caller")
	serve(server)
	c := newCaller(client)
	answers := make([]string, 5)
	var all sync.WaitGroup
	for i := range answers {
		all.Add(1)
		go func() {
			defer all.Done()
			text, err := c.ask(fmt.Sprint("hello ", i))
			if err != nil {
				log.Fatal(err)
			}
			answers[i] = text
		}()
	}
	all.Wait()
	for _, answer := range answers {
		fmt.Println(answer)
	}
	client.Disconnect(250)
	server.Disconnect(250)
}
