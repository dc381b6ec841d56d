// Command session shows that messages wait for a client whose session is kept: session [URL].
package main

import (
	"fmt"
	"log"
	"os"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

func connect(opts *mqtt.ClientOptions) (mqtt.Client, *mqtt.ConnectToken) {
	client := mqtt.NewClient(opts)
	token := client.Connect().(*mqtt.ConnectToken)
	if token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	return client, token
}

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	received := make(chan string, 10)
	opts := mqtt.NewClientOptions().
		AddBroker(broker).
		SetClientID("persistent_client").
		SetCleanSession(false).
		SetAutoReconnect(true).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { received <- string(m.Payload()) })
	client, token := connect(opts)
	fmt.Println("session present:", token.SessionPresent())
	client.Subscribe("example/session", 1, nil).Wait()
	client.Disconnect(250)

	publisher, _ := connect(mqtt.NewClientOptions().AddBroker(broker).SetClientID("session_publisher"))
	for i := range 3 {
		publisher.Publish("example/session", 1, false, fmt.Sprint("while you were away: ", i)).Wait()
	}
	publisher.Disconnect(250)

	client, token = connect(opts)
	fmt.Println("session present:", token.SessionPresent())
	for range 3 {
		fmt.Println(<-received)
	}
	client.Unsubscribe("example/session").Wait()
	client.Disconnect(250)
	client, _ = connect(opts.SetCleanSession(true)) // the server forgets the session
	client.Disconnect(250)
}
