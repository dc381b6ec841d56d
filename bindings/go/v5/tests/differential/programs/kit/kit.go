// Package kit is what the differential programs share: a server that does what a program tells it, and output that is the same each time.
package kit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
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

// Context returns one that ends when patience does.
func Context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// Go runs a call on a goroutine and returns the channel of its result, as text.
func Go[T any](call func() (T, error), describe func(T) string) <-chan string {
	result := make(chan string, 1)
	go func() {
		value, err := call()
		result <- fmt.Sprint(describe(value), " ", err)
	}()
	return result
}

// Response describes what Publish returned.
func Response(r *paho.PublishResponse) string {
	switch {
	case r == nil:
		return "no response"
	case r.Properties == nil:
		return fmt.Sprintf("%#x", r.ReasonCode)
	}
	return fmt.Sprintf("%#x %q %v", r.ReasonCode, r.Properties.ReasonString, r.Properties.User)
}

// Suback describes what Subscribe returned.
func Suback(s *paho.Suback) string {
	if s == nil {
		return "no SUBACK"
	}
	return fmt.Sprintf("%#x %q", s.Reasons, s.Properties.ReasonString)
}

// Unsuback describes what Unsubscribe returned.
func Unsuback(s *paho.Unsuback) string {
	if s == nil {
		return "no UNSUBACK"
	}
	return fmt.Sprintf("%#x %q", s.Reasons, s.Properties.ReasonString)
}

// A Server accepts connections on a port of loopback.
type Server struct {
	listener net.Listener
	URL      *url.URL
}

// Listen makes a server.
func Listen() *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	return &Server{l, URL("mqtt://" + l.Addr().String())}
}

// URL parses one.
func URL(text string) *url.URL {
	u, err := url.Parse(text)
	Must(err)
	return u
}

// Close ends the server.
func (s *Server) Close() { s.listener.Close() }

// Accept takes the next connection.
func (s *Server) Accept() *Conn {
	s.listener.(*net.TCPListener).SetDeadline(time.Now().Add(Patience))
	c, err := s.listener.Accept()
	Must(err)
	c.SetDeadline(time.Now().Add(Patience))
	return &Conn{c}
}

// Silence accepts connections and answers nothing but CONNECT.
func (s *Server) Silence() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			c := &Conn{conn}
			if p := c.Read(); p != nil && p.Type == packets.CONNECT {
				c.Send(&packets.Connack{})
				io.Copy(io.Discard, conn)
			}
		}()
	}
}

// A Conn is the server's side of a connection.
type Conn struct{ net.Conn }

// Read reads one packet, nil at the end of the connection. PINGREQ is answered and left out.
func (c *Conn) Read() *packets.ControlPacket {
	for {
		p, err := packets.ReadPacket(c.Conn)
		if err != nil {
			return nil
		}
		if p.Type != packets.PINGREQ {
			return p
		}
		c.Send(&packets.Pingresp{})
	}
}

// Expect reads one packet and prints its bytes.
func (c *Conn) Expect(what string) *packets.ControlPacket {
	p := c.Read()
	if p == nil {
		Print(what, "END")
		return nil
	}
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	Must(err)
	Print(what, p.PacketType(), fmt.Sprintf("%x", b.Bytes()))
	return p
}

// Send writes a packet.
func (c *Conn) Send(p interface {
	WriteTo(w io.Writer) (int64, error)
}) {
	_, err := p.WriteTo(c.Conn)
	Must(err)
}

// Connack reads CONNECT and answers it.
func (c *Conn) Connack(present bool) *packets.Connect {
	return c.Answer(&packets.Connack{SessionPresent: present})
}

// Answer reads CONNECT and answers it with this packet.
func (c *Conn) Answer(connack *packets.Connack) *packets.Connect {
	p := c.Read()
	if p == nil || p.Type != packets.CONNECT {
		Fatal("no CONNECT")
	}
	c.Send(connack)
	return p.Content.(*packets.Connect)
}

// Message sends a PUBLISH.
func (c *Conn) Message(topic, payload string, qos byte, id uint16) {
	c.Send(&packets.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, PacketID: id})
}

// Config returns a configuration that leaves nothing to chance. Attempts follow each other at once, and nothing ends because the machine is slow.
func Config(servers ...*Server) autopaho.ClientConfig {
	cfg := autopaho.ClientConfig{
		KeepAlive:        60,
		ReconnectBackoff: func(attempt int) time.Duration { return time.Duration(min(attempt, 1)) * 10 * time.Millisecond },
		ConnectTimeout:   Patience,
		ClientConfig:     paho.ClientConfig{ClientID: "client", PacketTimeout: Patience},
	}
	for _, s := range servers {
		cfg.ServerUrls = append(cfg.ServerUrls, s.URL)
	}
	return cfg
}
