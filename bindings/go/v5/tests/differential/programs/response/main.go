// Command response sends requests and answers them, by the packages rpc and by hand.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	autorpc "github.com/eclipse/paho.golang/autopaho/extensions/rpc"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/extensions/rpc"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	server := kit.URL(os.Args[1])
	var publishing sync.WaitGroup
	responder := kit.Config()
	responder.ServerUrls, responder.ClientID = append(responder.ServerUrls, server), "responder"
	responder.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		if strings.HasPrefix(string(r.Packet.Payload), "ignore") {
			return true, nil
		}
		publishing.Add(1)
		defer publishing.Done()
		_, err := r.Client.Publish(kit.Context(), &paho.Publish{
			Topic: r.Packet.Properties.ResponseTopic, Payload: fmt.Append(nil, "answer to ", string(r.Packet.Payload)), QoS: 1,
			Properties: &paho.PublishProperties{CorrelationData: r.Packet.Properties.CorrelationData},
		})
		return true, err
	}}
	answering, err := autopaho.NewConnection(kit.Context(), responder)
	kit.Must(err)
	kit.Must(answering.AwaitConnection(kit.Context()))
	_, err = answering.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "requests", QoS: 1}}})
	kit.Must(err)

	router := paho.NewStandardRouter()
	asking := kit.Config()
	asking.ServerUrls, asking.ClientID = append(asking.ServerUrls, server), "asker"
	asking.Router = router
	clients := make(chan *paho.Client, 1)
	asking.OnPublishReceived = append(asking.OnPublishReceived, func(r paho.PublishReceived) (bool, error) {
		select {
		case clients <- r.Client:
		default:
		}
		return false, nil
	})
	m, err := autopaho.NewConnection(kit.Context(), asking)
	kit.Must(err)
	kit.Must(m.AwaitConnection(kit.Context()))
	h, err := autorpc.NewHandler(kit.Context(), autorpc.HandlerOpts{Conn: m, Router: router, ResponseTopicFmt: "%s/answers", ClientID: "asker"})
	kit.Must(err)
	ask(h.Request)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = h.Request(ctx, &paho.Publish{Topic: "requests", QoS: 1, Payload: []byte("ignore")})
	kit.Print(err != nil)

	direct, err := rpc.NewHandler(kit.Context(), <-clients)
	kit.Must(err)
	ask(direct.Request)
	publishing.Wait() // with the genuine library, a Publish whose connection ends waits for its whole PacketTimeout
	kit.Print(m.Disconnect(kit.Context()), answering.Disconnect(kit.Context()))
}

func ask(request func(context.Context, *paho.Publish) (*paho.Publish, error)) {
	answers := make([]string, 8)
	var done sync.WaitGroup
	for i := range answers {
		done.Add(1)
		go func() {
			defer done.Done()
			answer, err := answered(request, fmt.Append(nil, i))
			if err != nil {
				answers[i] = err.Error()
				return
			}
			answers[i] = fmt.Sprint(answer.Topic, " ", string(answer.Payload), " ", len(answer.Properties.CorrelationData) > 0)
		}()
	}
	done.Wait()
	for _, answer := range answers {
		kit.Print(answer)
	}
}

// answered asks until there is a response. The genuine library drops one that comes before Request waits for it, which is after PUBACK: often, where
// the machine has other work. That ours does not is shown by TestResponseBeforePuback.
func answered(request func(context.Context, *paho.Publish) (*paho.Publish, error), text []byte) (*paho.Publish, error) {
	for {
		ctx, cancel := context.WithTimeout(kit.Context(), 2*time.Second)
		answer, err := request(ctx, &paho.Publish{Topic: "requests", QoS: 1, Payload: text})
		dropped := ctx.Err() != nil
		cancel()
		if !dropped {
			return answer, err
		}
	}
}
