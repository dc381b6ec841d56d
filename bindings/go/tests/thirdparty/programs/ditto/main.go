// Command ditto uses Eclipse Ditto's client, with a connection of its own and on one of the program's. Usage: ditto TCP TLS CA
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/eclipse/ditto-clients-golang"
	"github.com/eclipse/ditto-clients-golang/model"
	"github.com/eclipse/ditto-clients-golang/protocol"
	"github.com/eclipse/ditto-clients-golang/protocol/things"
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

// use sends an event, receives a command and replies to it. The peer is the other side.
func use(client *ditto.Client, peer mqtt.Client) {
	messages := make(chan mqtt.Message, 10)
	for _, filter := range []string{"e", "command///res/#"} {
		kit.Print(kit.Wait(peer.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { messages <- m })))
	}
	thing := model.NewNamespacedIDFrom("org.example:lamp")
	kit.Must(client.Send(things.NewCommand(thing).Twin().FeatureProperty("light", "on").Modify(true).Envelope(protocol.WithCorrelationID("c1"))))
	event := kit.Recv(messages, "event")
	kit.Print(event.Topic(), string(event.Payload()), event.Qos())

	replied := make(chan string, 1)
	client.Subscribe(func(request string, message *protocol.Envelope) {
		replied <- fmt.Sprint(request, message.Topic, message.Path, message.Value, message.Headers.CorrelationID(),
			client.Reply(request, message.WithStatus(204).WithValue("done")))
	})
	kit.Print(kit.Wait(peer.Publish("command///req/req-1/toggle", 1, false,
		`{"topic":"org.example/lamp/things/live/messages/toggle","path":"/inbox/messages/toggle","headers":{"correlation-id":"c2"},"value":1}`)))
	kit.Print(kit.Recv(replied, "reply"))
	reply := kit.Recv(messages, "reply")
	kit.Print(reply.Topic(), string(reply.Payload()))
	client.Unsubscribe()
	client.Disconnect()
}

func main() {
	pid := os.Getpid()
	up, lost := make(chan bool, 1), make(chan error, 1)
	configuration := ditto.NewConfiguration().WithConnectTimeout(time.Minute).WithAcknowledgeTimeout(time.Minute).
		WithSubscribeTimeout(time.Minute).WithUnsubscribeTimeout(time.Minute).
		WithConnectHandler(func(*ditto.Client) { up <- true }).WithConnectionLostHandler(func(_ *ditto.Client, err error) { lost <- err })

	peer := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(os.Args[1]).SetClientID(fmt.Sprint("peer", pid)))
	kit.Print(kit.Wait(peer.Connect()))

	// Its own connection, with TLS.
	pem, err := os.ReadFile(os.Args[3])
	kit.Must(err)
	pool := x509.NewCertPool()
	kit.Print(pool.AppendCertsFromPEM(pem))
	own := *configuration
	client := ditto.NewClient(own.WithBroker(os.Args[2]).WithKeepAlive(20 * time.Second).WithDisconnectTimeout(250 * time.Millisecond).
		WithTLSConfig(&tls.Config{RootCAs: pool}).WithCredentials(&ditto.Credentials{Username: "user", Password: "password"}))
	kit.Must(client.Connect())
	kit.Print(kit.Recv(up, "the connect handler"))
	use(client, peer)
	kit.Print(client.Send(&protocol.Envelope{}))

	// The program's connection.
	external := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(os.Args[1]).SetClientID(fmt.Sprint("external", pid)))
	if _, err := ditto.NewClientMQTT(external, nil); err != nil {
		kit.Print(err)
	}
	kit.Print(kit.Wait(external.Connect()))
	shared := ditto.Configuration{}
	client, err = ditto.NewClientMQTT(external, shared.WithAcknowledgeTimeout(time.Minute).WithSubscribeTimeout(time.Minute).WithUnsubscribeTimeout(time.Minute).
		WithConnectHandler(configuration.ConnectHandler()).WithConnectionLostHandler(configuration.ConnectionLostHandler()))
	kit.Must(err)
	kit.Must(client.Connect())
	kit.Print(kit.Recv(up, "the connect handler"))
	use(client, peer)
	kit.Print(kit.Recv(lost, "the handler of the end"), external.IsConnected())
	external.Disconnect(250)
	peer.Disconnect(250)
}
