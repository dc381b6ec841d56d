// Command broker connects to a real server by one kind of transport, subscribes, publishes, and receives what it has published.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/gorilla/websocket"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	server := kit.URL(os.Args[1])
	cfg := kit.Config()
	cfg.ServerUrls = append(cfg.ServerUrls, server)
	cfg.OnConnectError = func(err error) { kit.Print(err) }
	if len(os.Args) > 2 {
		ca, err := os.ReadFile(os.Args[2])
		kit.Must(err)
		cfg.TlsCfg = &tls.Config{RootCAs: x509.NewCertPool()}
		cfg.TlsCfg.RootCAs.AppendCertsFromPEM(ca)
	}
	switch server.Scheme {
	case "unix":
		cfg.AttemptConnection = func(ctx context.Context, _ autopaho.ClientConfig, u *url.URL) (net.Conn, error) {
			kit.Print("own dial")
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
			return packets.NewThreadSafeConn(conn), err
		}
	case "ws":
		cfg.WebSocketCfg = &autopaho.WebSocketConfig{
			Dialer: func(_ *url.URL, config *tls.Config) *websocket.Dialer {
				kit.Print("own dialer", config == nil)
				return &websocket.Dialer{Subprotocols: []string{"mqtt"}, ReadBufferSize: 100}
			},
			Header: func(*url.URL, *tls.Config) http.Header { return http.Header{"X-Test": {"1"}} },
		}
	}
	received := make(chan string, 99)
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
		received <- fmt.Sprint(r.Packet.Topic, len(r.Packet.Payload), bytes.Count(r.Packet.Payload, []byte("x")), r.Packet.QoS, r.Packet.Properties.ContentType)
		return true, nil
	}}
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	kit.Must(m.AwaitConnection(kit.Context()))
	suback, err := m.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "transport/#", QoS: 2}}})
	kit.Print(kit.Suback(suback), err)
	sizes := []int{0, 1, 1000, 100000, 3000000}
	if server.Scheme == "ws" {
		sizes = sizes[:4] // mosquitto does not take more at once
	}
	for i, size := range sizes {
		response, err := m.Publish(kit.Context(), &paho.Publish{Topic: fmt.Sprint("transport/", i), QoS: byte(i % 3), Payload: bytes.Repeat([]byte("x"), size),
			Properties: &paho.PublishProperties{ContentType: "xs"}})
		kit.Print(kit.Response(response), err)
		kit.Print(kit.Recv(received, "message"))
	}
	unsuback, err := m.Unsubscribe(kit.Context(), &paho.Unsubscribe{Topics: []string{"transport/#"}})
	kit.Print(kit.Unsuback(unsuback), err)
	kit.Print(m.Disconnect(kit.Context()))
}
