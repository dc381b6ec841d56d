// Command share spreads one topic's messages over several processes, each of which takes a part: share [URL].
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

const (
	workers  = 3
	messages = 90
)

func connect(broker, id string) mqtt.Client {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID(id))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	return client
}

// work prints each message that this process gets of the group's.
func work(broker, id string) {
	client := connect(broker, id)
	done := make(chan struct{})
	var lock sync.Mutex
	client.Subscribe("share/end", 1, func(mqtt.Client, mqtt.Message) { close(done) }).Wait()
	// Messages are published to share/work. A topic that begins with $share is for subscriptions only.
	client.Subscribe("$share/group/share/work", 1, func(_ mqtt.Client, m mqtt.Message) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Println("got", string(m.Payload()))
	}).Wait()
	fmt.Println("ready")
	<-done
	client.Disconnect(250)
}

func main() {
	broker := "tcp://localhost:1883"
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
	client := connect(broker, "share_publisher")
	for i := range messages {
		client.Publish("share/work", 1, false, strconv.Itoa(i)).Wait()
	}
	seen, by := map[string]int{}, map[string]int{}
	for range messages {
		worker, message, _ := strings.Cut(<-lines, " ")
		seen[message]++
		by[worker]++
	}
	client.Publish("share/end", 1, false, "").Wait()
	ended.Wait()
	client.Disconnect(250)
	fmt.Println("different messages:", len(seen), "workers that got some:", len(by))
}
