// Command adaptoruse uses the adaptor: adaptoruse [URL].
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/paho-oxide/paho-oxide/bindings/go/examples/adaptor"
)

func main() {
	broker := "tcp://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	adp := adaptor.NewAdaptorWithAuth(broker, "adaptor", "user", "password")
	adp.SetQoS(1)
	adp.SetAutoReconnect(true)
	fmt.Println("before Connect:", adp.Publish("adaptor/early", []byte("x")))
	if err := adp.Connect(); err != nil {
		log.Fatal(err)
	}
	received := make(chan string)
	if err := adp.On("adaptor/commands/#", func(m adaptor.Message) { received <- m.Topic() + " " + string(m.Payload()) }); err != nil {
		log.Fatal(err)
	}
	for _, command := range []string{"left", "right"} {
		if err := adp.Publish("adaptor/commands/"+command, []byte("now")); err != nil {
			log.Fatal(err)
		}
		fmt.Println(<-received)
	}
	adp.Disconnect()
	fmt.Println("after Disconnect:", adp.Publish("adaptor/late", []byte("x")))
}
