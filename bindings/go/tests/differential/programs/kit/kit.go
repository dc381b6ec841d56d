// Package kit is what the differential programs share: a server that does what a program tells it, and output that is the same each time.
package kit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/steps"
)

// What the programs of both modules share.
const Patience = steps.Patience

// What the programs of both modules share.
var (
	Print = steps.Print
	Fatal = steps.Fatal
	Must  = steps.Must
	Until = steps.Until
	Tick  = steps.Tick
)

// Recv receives from a channel, or ends the program.
func Recv[T any](from <-chan T, what string) T { return steps.Recv(from, what) }

// Refusing returns a URL that refuses connections.
func Refusing() string { return "tcp://" + steps.Refusing() }

// Quiesce is what programs give Disconnect, in milliseconds: more than the slowest machine needs, so that it returns when it is done.
const Quiesce = 60_000

// Wait waits for a token and returns its error as text.
func Wait(t mqtt.Token) string {
	if !t.WaitTimeout(Patience) {
		return "NOT ENDED"
	}
	return fmt.Sprint(t.Error())
}

// A Server accepts connections on a port of loopback.
type Server struct {
	listener net.Listener
	URL      string
}

// Listen makes a server.
func Listen() *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	return &Server{l, "tcp://" + l.Addr().String()}
}

// Close ends the server.
func (s *Server) Close() { s.listener.Close() }

// A Conn is the server's side of a connection.
type Conn struct{ net.Conn }

// Accept takes the next connection.
func (s *Server) Accept() *Conn {
	s.listener.(*net.TCPListener).SetDeadline(time.Now().Add(Patience))
	c, err := s.listener.Accept()
	Must(err)
	c.SetDeadline(time.Now().Add(Patience))
	return &Conn{c}
}

// Read reads one packet, nil at the end of the connection.
func (c *Conn) Read() packets.ControlPacket {
	p, err := packets.ReadPacket(c.Conn)
	if err != nil {
		return nil
	}
	return p
}

// Expect reads one packet and prints its bytes.
func (c *Conn) Expect(what string) packets.ControlPacket {
	p := c.Read()
	if p == nil {
		Print(what, "END")
		return nil
	}
	var b bytes.Buffer
	Must(p.Write(&b))
	Print(what, fmt.Sprintf("%x", b.Bytes()))
	return p
}

// Connack reads CONNECT and answers it.
func (c *Conn) Connack(code byte, present bool) *packets.ConnectPacket {
	p, ok := c.Read().(*packets.ConnectPacket)
	if !ok {
		Fatal("no CONNECT")
	}
	a := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
	a.ReturnCode, a.SessionPresent = code, present
	Must(a.Write(c))
	return p
}

// Ack sends an acknowledgement of the given type.
func (c *Conn) Ack(kind byte, id uint16) {
	c.Write([]byte{kind<<4 | map[bool]byte{true: 2}[kind == packets.Pubrel], 2, byte(id >> 8), byte(id)})
}

// Suback answers a SUBSCRIBE.
func (c *Conn) Suback(id uint16, codes ...byte) {
	p := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
	p.MessageID, p.ReturnCodes = id, codes
	Must(p.Write(c))
}

// Message sends a PUBLISH.
func (c *Conn) Message(topic, payload string, qos byte, id uint16, dup, retain bool) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.Qos, p.MessageID, p.Dup, p.Retain = topic, []byte(payload), qos, id, dup, retain
	Must(p.Write(c))
}

// Flows reads n PUBLISH packets, acknowledges each of them to the end of its flow, and returns them sorted by topic. The genuine library
// sends what it kept in the order of a map, and PUBREL on a way of its own: neither order is compared.
func (c *Conn) Flows(n int) []*packets.PublishPacket {
	var seen []*packets.PublishPacket
	received := map[uint16]bool{}
	for len(seen) < n || len(received) > 0 {
		switch p := c.Read().(type) {
		case *packets.PublishPacket:
			seen = append(seen, p)
			switch p.Qos {
			case 1:
				c.Ack(packets.Puback, p.MessageID)
			case 2:
				received[p.MessageID] = true
				c.Ack(packets.Pubrec, p.MessageID)
			}
		case *packets.PubrelPacket:
			if !received[p.MessageID] {
				Fatal("PUBREL of nothing", p.MessageID)
			}
			delete(received, p.MessageID)
			c.Ack(packets.Pubcomp, p.MessageID)
		default:
			Fatal("no PUBLISH or PUBREL", p)
		}
	}
	slices.SortFunc(seen, func(a, b *packets.PublishPacket) int { return strings.Compare(a.TopicName, b.TopicName) })
	return seen
}

// Disconnect calls Disconnect on a goroutine and closes the channel when it has returned.
func Disconnect(c mqtt.Client) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Disconnect(Quiesce)
	}()
	return done
}

// End disconnects the client while the server reads what still comes. It returns when both have ended.
func (c *Conn) End(client mqtt.Client) {
	done := Disconnect(client)
	c.Drain()
	<-done
}

// Drain reads until the end of the connection.
func (c *Conn) Drain() { io.Copy(io.Discard, c.Conn) }

// Options returns options that leave nothing to chance.
func Options(url string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID("client").SetProtocolVersion(4).SetAutoReconnect(false).SetKeepAlive(0)
}
