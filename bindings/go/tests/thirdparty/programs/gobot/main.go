// Command gobot uses gobot's MQTT adaptor and driver. Usage: gobot TCP TLS CA
package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
	"gobot.io/x/gobot/v2/platforms/mqtt"
)

func use(adaptor *mqtt.Adaptor) {
	kit.Print(adaptor.Publish("gobot/early", []byte("x")), adaptor.On("gobot/early", nil))
	kit.Must(adaptor.Connect())
	received := make(chan string, 10)
	show := func(from string) func(mqtt.Message) {
		return func(m mqtt.Message) {
			received <- fmt.Sprint(from, " ", m.Topic(), " ", string(m.Payload()), " ", m.Qos(), m.Retained(), m.Duplicate())
		}
	}
	for qos := range 3 {
		topic := fmt.Sprint("gobot/", qos)
		token, err := adaptor.OnWithQOS(topic, qos, show("handler"))
		kit.Must(err)
		kit.Print(kit.Wait(token))
		token, err = adaptor.PublishWithQOS(topic, qos, []byte(fmt.Sprint("message ", qos)))
		kit.Must(err)
		kit.Print(kit.Recv(received, topic), kit.Wait(token))
	}
	adaptor.SetQoS(1)
	kit.Print(adaptor.PublishAndRetain("gobot/kept", []byte("kept")))
	// A message of the same client behind it shows that the server has the one that is kept.
	kit.Print(adaptor.Publish("gobot/1", []byte("behind")), kit.Recv(received, "the message behind"))
	kit.Print(adaptor.On("gobot/kept", show("kept")), kit.Recv(received, "the kept message"))
	kit.Print(adaptor.PublishAndRetain("gobot/kept", nil), kit.Recv(received, "what clears it"))

	driver := mqtt.NewDriver(adaptor, "gobot/driver")
	kit.Must(driver.Start())
	events := make(chan string, 10)
	kit.Must(driver.On(mqtt.Data, func(data any) { events <- string(data.(mqtt.Message).Payload()) }))
	// The driver does not tell when its subscription is in place: one of the adaptor's behind it does.
	token, err := adaptor.OnWithQOS("gobot/behind", 1, show("unexpected"))
	kit.Must(err)
	kit.Print(kit.Wait(token), driver.Publish([]byte("by the driver")), kit.Recv(events, "the driver's event"))
	kit.Must(driver.Halt())
	kit.Must(adaptor.Finalize())
	kit.Must(adaptor.Disconnect())
	token, err = adaptor.PublishWithQOS("gobot/late", 1, []byte("late"))
	kit.Print(kit.Wait(token), err)
}

func main() {
	plain := mqtt.NewAdaptorWithAuth(os.Args[1], fmt.Sprint("gobot", os.Getpid()), "user", "password")
	use(plain)
	secure := mqtt.NewAdaptor(os.Args[2], fmt.Sprint("gobot", os.Getpid()))
	secure.SetUseSSL(true)
	secure.SetServerCert(os.Args[3])
	use(secure)
	secure.SetServerCert("")
	kit.Print(strings.Contains(fmt.Sprint(secure.Connect()), "certificate"))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	kit.Must(err)
	l.Close()
	kit.Print(mqtt.NewAdaptor("tcp://"+l.Addr().String(), "nobody").Connect())
	kit.Print(mqtt.NewAdaptor("xyz://"+l.Addr().String(), "nobody").Connect())
}
