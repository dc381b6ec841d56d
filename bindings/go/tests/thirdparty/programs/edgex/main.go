// Command edgex uses EdgeX Foundry's message bus client. Usage: edgex TCP
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/edgexfoundry/go-mod-messaging/v4/messaging"
	"github.com/edgexfoundry/go-mod-messaging/v4/pkg/types"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func client(server, id string) messaging.MessageClient {
	at, err := url.Parse(server)
	kit.Must(err)
	port, err := strconv.Atoi(at.Port())
	kit.Must(err)
	c, err := messaging.NewMessageClient(types.MessageBusConfig{
		Broker: types.HostInfo{Host: at.Hostname(), Port: port, Protocol: "tcp"},
		Type:   messaging.MQTT,
		Optional: map[string]string{
			"ClientId": fmt.Sprint(id, os.Getpid()), "Qos": "1", "KeepAlive": "10", "ConnectTimeout": "60", "AutoReconnect": "true", "CleanSession": "false",
		},
	})
	kit.Must(err)
	kit.Must(c.Connect())
	kit.Must(c.Connect()) // connected already
	return c
}

func main() {
	service, device := client(os.Args[1], "service"), client(os.Args[1], "device")
	failed := make(chan error, 10)

	events := types.TopicChannel{Topic: "edgex/events/#", Messages: make(chan types.MessageEnvelope, 10)}
	kit.Must(service.Subscribe([]types.TopicChannel{events}, failed))
	for i := range 3 {
		message := types.NewMessageEnvelope(map[string]any{"reading": i}, context.Background())
		message.CorrelationID, message.ContentType = fmt.Sprint("correlation ", i), "application/json"
		kit.Must(device.Publish(message, fmt.Sprint("edgex/events/device/", i)))
		got := kit.Recv(events.Messages, "event")
		kit.Print(got.ReceivedTopic, got.CorrelationID, got.ContentType, got.Payload, got.ErrorCode)
	}
	kit.Print(device.PublishWithSizeLimit(types.MessageEnvelope{Payload: make([]byte, 4096)}, "edgex/events/big", 1))
	kit.Print(device.PublishBinaryData([]byte("this is no envelope"), "edgex/events/binary"), kit.Recv(failed, "error"))

	binary := types.TopicChannel{Topic: "edgex/binary", Messages: make(chan types.MessageEnvelope, 10)}
	kit.Must(service.SubscribeBinaryData([]types.TopicChannel{binary}, failed))
	kit.Print(device.PublishBinaryData([]byte{0, 1, 255}, "edgex/binary"), kit.Recv(binary.Messages, "binary data").Payload)

	requests := types.TopicChannel{Topic: "edgex/request", Messages: make(chan types.MessageEnvelope, 10)}
	kit.Must(device.Subscribe([]types.TopicChannel{requests}, failed))
	go func() {
		request := kit.Recv(requests.Messages, "request")
		response, err := types.NewMessageEnvelopeForResponse("the answer", request.RequestID, request.CorrelationID, "application/json")
		kit.Must(err)
		kit.Must(device.Publish(response, "edgex/response/"+request.RequestID))
	}()
	request := types.NewMessageEnvelopeForRequest("the question", nil)
	response, err := service.Request(request, "edgex/request", "edgex/response", kit.Patience)
	kit.Must(err)
	kit.Print(response.Payload, response.RequestID == request.RequestID)
	_, err = service.Request(request, "edgex/nobody", "edgex/response", 10*time.Millisecond)
	kit.Print(err != nil)

	kit.Must(service.Unsubscribe("edgex/events/#"))
	// A message on a topic that is still subscribed comes behind the one that is not.
	kit.Must(device.PublishBinaryData([]byte("nobody hears this"), "edgex/events/late"))
	kit.Print(device.PublishBinaryData([]byte("last"), "edgex/binary"), kit.Recv(binary.Messages, "binary data").Payload, len(events.Messages), len(failed))
	kit.Must(service.Disconnect())
	kit.Must(device.Disconnect()) // with a quiesce that overflows: it returns at once, and the client may still be connected
}
