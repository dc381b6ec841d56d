// Package connect shows CONNECT on the wire, and what Connect makes of answers.
package connect

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

func attempt(what string, config paho.ClientConfig, connect *paho.Connect, serve func(*kit.Conn)) {
	client, server := kit.Pipe()
	config.Conn = client
	c := paho.NewClient(config)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		connack, err := c.Connect(kit.Context(), connect)
		kit.Print(what, connack, err, c.ClientID())
		if err == nil {
			kit.Print("disconnect", c.Disconnect(&paho.Disconnect{}))
		}
		<-c.Done()
	}()
	server.Expect(what)
	serve(server)
	kit.Recv(ended, "end of "+what)
	server.Drain()
	server.Close()
}

func accept(s *kit.Conn) { answer(&packets.Connack{})(s) }

func answer(connack *packets.Connack) func(*kit.Conn) {
	return func(s *kit.Conn) {
		if connack.Properties == nil {
			connack.Properties = &packets.Properties{}
		}
		s.Send(connack)
	}
}

// Run runs the program.
func Run() {
	plain := paho.ClientConfig{ClientID: "config"}
	attempt("plain", plain, kit.Connect(), accept)
	attempt("empty", plain, &paho.Connect{}, accept)
	attempt("credentials", plain, &paho.Connect{ClientID: "c", Username: "name", UsernameFlag: true, Password: []byte{0, 255}, PasswordFlag: true}, accept)
	attempt("no flags", plain, &paho.Connect{ClientID: "c", Username: "name", Password: []byte("secret")}, accept)
	attempt("password alone", plain, &paho.Connect{ClientID: "c", Password: []byte("secret"), PasswordFlag: true}, accept)
	attempt("empty credentials", plain, &paho.Connect{ClientID: "c", UsernameFlag: true, PasswordFlag: true}, accept)
	attempt("properties", plain, &paho.Connect{ClientID: "c", KeepAlive: 60, Properties: &paho.ConnectProperties{
		SessionExpiryInterval: kit.Pointer(uint32(7)), ReceiveMaximum: kit.Pointer(uint16(9)), TopicAliasMaximum: kit.Pointer(uint16(3)),
		MaximumPacketSize: kit.Pointer(uint32(1000)), RequestProblemInfo: false, RequestResponseInfo: true,
	}}, accept)
	attempt("user properties", plain, &paho.Connect{ClientID: "c", Properties: &paho.ConnectProperties{
		RequestProblemInfo: true, User: paho.UserProperties{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}},
	}}, accept)
	attempt("will", plain, &paho.Connect{ClientID: "c", WillMessage: &paho.WillMessage{Retain: true, QoS: 2, Topic: "w", Payload: []byte{1, 0}}}, accept)
	attempt("will's properties", plain, &paho.Connect{ClientID: "c", WillMessage: &paho.WillMessage{Topic: "w"}, WillProperties: &paho.WillProperties{
		WillDelayInterval: kit.Pointer(uint32(5)),
	}}, accept)

	attempt("everything", plain, kit.Connect(), answer(&packets.Connack{Properties: &packets.Properties{
		SessionExpiryInterval: kit.Pointer(uint32(1)), AssignedClientID: "assigned", ServerKeepAlive: kit.Pointer(uint16(90)),
		ServerReference: "elsewhere", ReasonString: "why not", ReceiveMaximum: kit.Pointer(uint16(2)), TopicAliasMaximum: kit.Pointer(uint16(4)),
		MaximumQOS: kit.Pointer(byte(1)), MaximumPacketSize: kit.Pointer(uint32(500)), RetainAvailable: kit.Pointer(byte(0)),
		WildcardSubAvailable: kit.Pointer(byte(0)), SubIDAvailable: kit.Pointer(byte(0)), SharedSubAvailable: kit.Pointer(byte(0)),
		ResponseInfo: "responses", User: []packets.User{{Key: "k", Value: "v"}},
	}}))
	attempt("refused", plain, kit.Connect(), answer(&packets.Connack{ReasonCode: packets.ConnackNotAuthorized, Properties: &packets.Properties{
		ReasonString: "not you", User: []packets.User{{Key: "k", Value: "v"}},
	}}))
	attempt("refused without a word", plain, kit.Connect(), answer(&packets.Connack{ReasonCode: packets.ConnackServerBusy}))
	attempt("closed", plain, kit.Connect(), func(s *kit.Conn) { s.Close() })

	for _, what := range []string{"cancelled", "too late"} {
		client, server := kit.Pipe()
		config := paho.ClientConfig{Conn: client, PacketTimeout: time.Second}
		ctx, cancel := context.WithCancel(context.Background())
		if what == "cancelled" {
			config.PacketTimeout = kit.Patience
			go func() {
				server.Read()
				cancel()
			}()
		}
		c := paho.NewClient(config)
		_, err := c.Connect(ctx, kit.Connect())
		kit.Print(what, err, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded))
		<-c.Done()
		server.Drain()
		_, err = c.Connect(context.Background(), kit.Connect())
		kit.Print("again", err)
		cancel()
	}
	_, err := paho.NewClient(paho.ClientConfig{}).Connect(context.Background(), kit.Connect())
	kit.Print("no connection", err)
}
