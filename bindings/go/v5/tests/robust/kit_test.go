// Package robust has tests of how connections of MQTT 5 clients end, of what outlives them, and of misuse.
package robust

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// patience is how long something may take that must happen.
const patience = time.Minute

// await receives from a channel.
func await[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		buffer := make([]byte, 1<<20)
		t.Fatalf("no %s\n%s", what, buffer[:runtime.Stack(buffer, true)])
		panic("unreachable")
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A server is the other side of one connection.
type server struct {
	net.Conn
	t *testing.T
}

// pipe returns the two ends of a connection that the engine adopts.
func pipe(t *testing.T) (net.Conn, *server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, serving(t, accepted)
}

// carried returns the two ends of a connection whose bytes Go carries.
func carried(t *testing.T) (net.Conn, *server) {
	client, peer := net.Pipe()
	return client, serving(t, peer)
}

func serving(t *testing.T, conn net.Conn) *server {
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &server{conn, t}
}

// read reads one packet, but for PINGREQ.
func (s *server) read() *packets.ControlPacket {
	s.t.Helper()
	for {
		p, err := packets.ReadPacket(s.Conn)
		if err != nil {
			s.t.Fatalf("the server reads: %v", err)
		}
		if p.Type != packets.PINGREQ {
			return p
		}
	}
}

// expect reads one packet of a type.
func (s *server) expect(kind byte) *packets.ControlPacket {
	s.t.Helper()
	p := s.read()
	if p.Type != kind {
		s.t.Fatalf("%s came", p.PacketType())
	}
	return p
}

func (s *server) send(p packets.Packet) {
	if _, err := p.WriteTo(s.Conn); err != nil {
		s.t.Logf("the server writes: %v", err)
	}
}

func (s *server) message(qos byte, id uint16, duplicate bool) {
	s.send(&packets.Publish{Topic: "t", QoS: qos, PacketID: id, Duplicate: duplicate, Payload: []byte{byte(id)}, Properties: &packets.Properties{}})
}

func (s *server) puback(id uint16) {
	s.send(&packets.Puback{PacketID: id, Properties: &packets.Properties{}})
}

// answer answers everything until the connection ends.
func (s *server) answer() {
	none := &packets.Properties{}
	for {
		p, err := packets.ReadPacket(s.Conn)
		if err != nil {
			return
		}
		var answer packets.Packet
		switch content := p.Content.(type) {
		case *packets.Publish:
			switch content.QoS {
			case 1:
				answer = &packets.Puback{PacketID: content.PacketID, Properties: none}
			case 2:
				answer = &packets.Pubrec{PacketID: content.PacketID, Properties: none}
			}
		case *packets.Pubrel:
			answer = &packets.Pubcomp{PacketID: content.PacketID, Properties: none}
		case *packets.Subscribe:
			answer = &packets.Suback{PacketID: content.PacketID, Reasons: make([]byte, len(content.Subscriptions)), Properties: none}
		case *packets.Unsubscribe:
			answer = &packets.Unsuback{PacketID: content.PacketID, Reasons: make([]byte, len(content.Topics)), Properties: none}
		case *packets.Pingreq:
			answer = &packets.Pingresp{}
		}
		if answer != nil {
			if _, err := answer.WriteTo(s.Conn); err != nil {
				return
			}
		}
	}
}

// connect connects a client. present is what CONNACK says of the session; receiveMaximum 0 is not sent.
func connect(t *testing.T, config paho.ClientConfig, expiry uint32, present bool, receiveMaximum uint16) (*paho.Client, *server) {
	t.Helper()
	client, s := pipe(t)
	config.Conn = client
	return connectOn(t, config, s, expiry, present, receiveMaximum), s
}

func connectOn(t *testing.T, config paho.ClientConfig, s *server, expiry uint32, present bool, receiveMaximum uint16) *paho.Client {
	t.Helper()
	c := paho.NewClient(config)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Connect(within(t), &paho.Connect{ClientID: "client", Properties: &paho.ConnectProperties{
			RequestProblemInfo: true, SessionExpiryInterval: &expiry,
		}})
		ended <- err
	}()
	s.expect(packets.CONNECT)
	properties := &packets.Properties{}
	if receiveMaximum > 0 {
		properties.ReceiveMaximum = &receiveMaximum
	}
	s.send(&packets.Connack{SessionPresent: present, Properties: properties})
	if err := await(t, ended, "end of Connect"); err != nil {
		t.Fatal(err)
	}
	return c
}

func collect(to chan<- *paho.Publish) []func(paho.PublishReceived) (bool, error) {
	return []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		to <- p.Packet
		return true, nil
	}}
}

// publish publishes on a goroutine, and returns where the error comes.
func publish(t *testing.T, c *paho.Client, qos byte) <-chan error {
	ended := make(chan error, 1)
	ctx := within(t)
	go func() {
		_, err := c.Publish(ctx, &paho.Publish{Topic: "t", QoS: qos, Payload: []byte("x")})
		ended <- err
	}()
	return ended
}
