// Command request sends requests by MQTT 5 and gets responses, by response topic and correlation data: request [URL].
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/extensions/rpc"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

func connect(ctx context.Context, broker, id string, router paho.Router) *autopaho.ConnectionManager {
	server, err := url.Parse(broker)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls:   []*url.URL{server},
		KeepAlive:    20,
		ClientConfig: paho.ClientConfig{ClientID: id, Router: router},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := manager.AwaitConnection(ctx); err != nil {
		log.Fatal(err)
	}
	return manager
}

// serve answers each request with its text in capitals.
func serve(ctx context.Context, broker string) *autopaho.ConnectionManager {
	router := paho.NewStandardRouter()
	manager := connect(ctx, broker, "request_server", router)
	router.RegisterHandler("request/upper", func(request *paho.Publish) {
		if request.Properties == nil || request.Properties.ResponseTopic == "" {
			return
		}
		_, err := manager.Publish(ctx, &paho.Publish{
			Topic:      request.Properties.ResponseTopic,
			QoS:        1,
			Payload:    []byte(strings.ToUpper(string(request.Payload))),
			Properties: &paho.PublishProperties{CorrelationData: request.Properties.CorrelationData},
		})
		if err != nil {
			log.Print(err)
		}
	})
	_, err := manager.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "request/upper", QoS: 1}}})
	if err != nil {
		log.Fatal(err)
	}
	return manager
}

// ask requests until there is a response: a request, or its response, may be lost with a connection.
func ask(ctx context.Context, handler *rpc.Handler, text string) (string, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		response, err := handler.Request(attempt, &paho.Publish{Topic: "request/upper", QoS: 1, Payload: []byte(text)})
		late := attempt.Err() != nil && ctx.Err() == nil
		cancel()
		if late {
			continue
		}
		if err != nil {
			return "", err
		}
		return string(response.Payload), nil
	}
}

func main() {
	broker := "mqtt://localhost:1883"
	if len(os.Args) > 1 {
		broker = os.Args[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := serve(ctx, broker)

	router := paho.NewStandardRouter()
	client := connect(ctx, broker, "request_client", router)
	handler, err := rpc.NewHandler(ctx, rpc.HandlerOpts{Conn: client, Router: router, ResponseTopicFmt: "responses/%s", ClientID: "request_client"})
	if err != nil {
		log.Fatal(err)
	}
	responses := make([]string, 5)
	var all sync.WaitGroup
	for i := range responses {
		all.Add(1)
		go func() {
			defer all.Done()
			response, err := ask(ctx, handler, fmt.Sprint("hello ", i))
			if err != nil {
				log.Fatal(err)
			}
			responses[i] = response
		}()
	}
	all.Wait()
	for _, response := range responses {
		fmt.Println(response)
	}
	fmt.Println(client.Disconnect(ctx), server.Disconnect(ctx))
}
