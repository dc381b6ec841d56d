// Package ends shows how connections end, and what programs are told.
package ends

import (
	"errors"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

type told struct {
	disconnect *paho.Disconnect
	err        error
}

// connected makes a client whose callbacks go to a channel.
func connected(handleDisconnect bool) (*paho.Client, *kit.Conn, chan told) {
	callbacks := make(chan told, 10)
	config := paho.ClientConfig{OnClientError: func(err error) { callbacks <- told{nil, err} }}
	if handleDisconnect {
		config.OnServerDisconnect = func(d *paho.Disconnect) { callbacks <- told{d, nil} }
	}
	c, s := kit.Connected(config, kit.Connect(), &packets.Connack{})
	return c, s, callbacks
}

func after(c *paho.Client) {
	kit.Recv(c.Done(), "Done")
	_, err := c.Publish(kit.Context(), &paho.Publish{Topic: "t", QoS: 1})
	kit.Print("publish", err, errors.Is(err, session.ErrNoConnection))
	_, err = c.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
	kit.Print("subscribe", err, errors.Is(err, session.ErrNoConnection))
	_, err = c.Unsubscribe(kit.Context(), &paho.Unsubscribe{Topics: []string{"t"}})
	kit.Print("unsubscribe", err, errors.Is(err, session.ErrNoConnection))
	_, err = c.Publish(kit.Context(), &paho.Publish{Topic: "t"})
	kit.Print("qos 0", err != nil)
	kit.Print("disconnect", errors.Is(c.Disconnect(&paho.Disconnect{}), net.ErrClosed))
	c.TerminateConnectionForTest()
}

// Run runs the program.
func Run() {
	words := &packets.Properties{ReasonString: "maintenance", ServerReference: "elsewhere", User: []packets.User{{Key: "k", Value: "v"}}}
	for _, handle := range []bool{true, false} {
		c, s, callbacks := connected(handle)
		s.Send(&packets.Disconnect{ReasonCode: packets.DisconnectServerMoved, Properties: words})
		t := kit.Recv(callbacks, "callback")
		kit.Print("server's DISCONNECT", kit.Fields(t.disconnect), t.err)
		after(c)
		s.Drain()
	}
	c, s, callbacks := connected(true)
	s.Close()
	t := kit.Recv(callbacks, "callback")
	kit.Print("closed", kit.Fields(t.disconnect), t.err)
	after(c)

	c, s, callbacks = connected(true)
	c.TerminateConnectionForTest()
	t = kit.Recv(callbacks, "callback")
	kit.Print("terminated", kit.Fields(t.disconnect), errors.Is(t.err, net.ErrClosed))
	after(c)
	s.Drain()

	c, s, _ = connected(true)
	kit.Print("disconnect", c.Disconnect(&paho.Disconnect{Properties: &paho.DisconnectProperties{SessionExpiryInterval: kit.Pointer(uint32(0))}}))
	s.Expect("bye")
	s.Expect("then")
	after(c)

	// Calls that wait when the connection ends.
	c, s, callbacks = connected(true)
	ends := make(chan error, 3)
	go func() {
		_, err := c.Subscribe(kit.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
		ends <- err
	}()
	s.Expect("sent")
	_ = s.Close()
	kit.Print("subscribe under way", kit.Recv(ends, "end of Subscribe") != nil)
	kit.Recv(callbacks, "callback")
	kit.Recv(c.Done(), "Done")

	// No PINGRESP.
	client, server := kit.Pipe()
	lost := make(chan error, 10)
	c = paho.NewClient(paho.ClientConfig{Conn: client, OnClientError: func(err error) { lost <- err }, PingHandler: paho.NewDefaultPinger()})
	go func() {
		packets.ReadPacket(server.Conn)
		server.Send(&packets.Connack{Properties: &packets.Properties{}})
		for {
			if _, err := packets.ReadPacket(server.Conn); err != nil {
				return
			}
		}
	}()
	connect := kit.Connect()
	connect.KeepAlive = 1
	_, err := c.Connect(kit.Context(), connect)
	kit.Print("silent server", err)
	// The genuine library tells of the read that its own close has ended as well, before this or after it.
	timeout := kit.Recv(lost, "callback")
	for errors.Is(timeout, net.ErrClosed) {
		timeout = kit.Recv(lost, "callback")
	}
	kit.Print(timeout)
	kit.Recv(c.Done(), "Done")
}
