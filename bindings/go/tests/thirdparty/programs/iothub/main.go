// Command iothub uses a client of Azure's IoT Hub. The hub is a client of the same server. Usage: iothub TLS CA
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/amenzhinsky/iothub/iotdevice"
	transport "github.com/amenzhinsky/iothub/iotdevice/transport/mqtt"
	"github.com/amenzhinsky/iothub/logger"
	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	server, err := url.Parse(os.Args[1])
	kit.Must(err)
	pem, err := os.ReadFile(os.Args[2])
	kit.Must(err)
	pool := x509.NewCertPool()
	kit.Print(pool.AppendCertsFromPEM(pem))
	secure := &tls.Config{RootCAs: pool}
	name := fmt.Sprint("device", os.Getpid())

	messages := make(chan mqtt.Message, 10)
	hub := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(os.Args[1]).SetTLSConfig(secure).SetClientID("hub" + name))
	kit.Print(kit.Wait(hub.Connect()))
	for filter, answer := range map[string]func(mqtt.Message){
		"devices/" + name + "/messages/events/#": func(m mqtt.Message) { messages <- m },
		"$iothub/methods/res/#":                  func(m mqtt.Message) { messages <- m },
		"$iothub/twin/GET/#": func(m mqtt.Message) {
			_, id, _ := strings.Cut(m.Topic(), "?")
			hub.Publish("$iothub/twin/res/200/?"+id, 1, false, `{"desired":{"interval":5,"$version":7},"reported":{"interval":4,"$version":3}}`)
		},
		"$iothub/twin/PATCH/properties/reported/#": func(m mqtt.Message) {
			messages <- m
			_, id, _ := strings.Cut(m.Topic(), "?")
			hub.Publish("$iothub/twin/res/204/?"+id+"&$version=8", 1, false, "")
		},
	} {
		kit.Print(kit.Wait(hub.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { answer(m) })))
	}

	device, err := iotdevice.NewFromConnectionString(transport.New(transport.WithClientOptionsConfig(func(o *mqtt.ClientOptions) {
		kit.Print(o.Servers[0].Scheme, o.Servers[0].Host, o.ProtocolVersion, o.TLSConfig != nil)
		user, password := o.CredentialsProvider()
		kit.Print(strings.HasPrefix(user, "localhost/"+name+"/"), strings.HasPrefix(password, "SharedAccessSignature "))
		o.Servers = []*url.URL{server}
		o.SetTLSConfig(secure)
	})), "HostName=localhost;DeviceId="+name+";SharedAccessKey=c2VjcmV0", iotdevice.WithLogger(logger.New(logger.LevelError, nil)))
	kit.Must(err)
	ctx, cancel := context.WithTimeout(context.Background(), kit.Patience)
	defer cancel()
	kit.Must(device.Connect(ctx))

	kit.Must(device.SendEvent(ctx, []byte("event"), iotdevice.WithSendQoS(0), iotdevice.WithSendMessageID("m1"), iotdevice.WithSendProperty("unit", "K")))
	event := kit.Recv(messages, "event")
	kit.Print(strings.TrimPrefix(event.Topic(), "devices/"+name), string(event.Payload()), event.Qos())

	commands, err := device.SubscribeEvents(ctx)
	kit.Must(err)
	kit.Print(kit.Wait(hub.Publish("devices/"+name+"/messages/devicebound/%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound&a=b&%24.mid=7", 1, false, "command")))
	command := kit.Recv(commands.C(), "command")
	kit.Print(command.MessageID, command.To, command.Properties, string(command.Payload))

	// The method's handler answers from within a handler of a message.
	kit.Must(device.RegisterMethod(ctx, "add", func(in map[string]any) (int, map[string]any, error) {
		return 201, map[string]any{"sum": in["a"].(float64) + in["b"].(float64)}, nil
	}))
	kit.Print(kit.Wait(hub.Publish("$iothub/methods/POST/add/?$rid=42", 1, false, `{"a":1,"b":2}`)))
	result := kit.Recv(messages, "result")
	kit.Print(result.Topic(), string(result.Payload()))

	desired, reported, err := device.RetrieveTwinState(ctx)
	kit.Must(err)
	kit.Print(desired["interval"], desired.Version(), reported["interval"], reported.Version())
	version, err := device.UpdateTwinState(ctx, iotdevice.TwinState{"interval": 5})
	kit.Must(err)
	kit.Print(version, string(kit.Recv(messages, "reported state").Payload()))
	updates, err := device.SubscribeTwinUpdates(ctx)
	kit.Must(err)
	kit.Print(kit.Wait(hub.Publish("$iothub/twin/PATCH/properties/desired/?$version=9", 1, false, `{"interval":6}`)), kit.Recv(updates.C(), "update")["interval"])

	kit.Must(device.Close())
	kit.Print(device.SendEvent(ctx, []byte("late")) != nil) // with one of two errors, by chance
	hub.Disconnect(250)
}
