// Command order shows what SetOrderMatters decides: order [URL].
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

const messages = 20

// run receives messages with handlers that take 10 ms, and says if they came in order and how many ran at the same time.
func run(broker string, ordered bool) (inOrder bool, together bool) {
	var lock sync.Mutex
	var order []int
	running := 0
	inOrder = true
	var all sync.WaitGroup
	all.Add(messages)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID("order").SetOrderMatters(ordered))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	client.Subscribe("order", 1, func(_ mqtt.Client, m mqtt.Message) {
		n, _ := strconv.Atoi(string(m.Payload()))
		lock.Lock()
		running++
		together = together || running > 1
		inOrder = inOrder && n == len(order)
		order = append(order, n)
		lock.Unlock()
		time.Sleep(10 * time.Millisecond)
		lock.Lock()
		running--
		lock.Unlock()
		all.Done()
	}).Wait()
	for i := range messages {
		client.Publish("order", 1, false, strconv.Itoa(i))
	}
	all.Wait()
	client.Disconnect(250)
	return inOrder, together
}

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	inOrder, together := run(broker, true)
	fmt.Println("order matters: in order", inOrder, "handlers at the same time", together)
	_, together = run(broker, false)
	fmt.Println("order does not matter: handlers at the same time", together)
}
