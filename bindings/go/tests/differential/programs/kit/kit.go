// Package kit is what the differential programs share: a server that does what a program tells it, and output that is the same each time.
package kit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Patience is how long a program waits for what must come.
const Patience = time.Minute

var changing = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]|localhost):\d+`)

// Print prints a line without the port numbers, which differ between runs.
func Print(v ...any) { fmt.Print(changing.ReplaceAllString(fmt.Sprintln(v...), "$1:PORT")) }

// Must ends the program on an error.
func Must(err error) {
	if err != nil {
		Print("FATAL", err)
		os.Exit(1)
	}
}

// Wait waits for a token and returns its error as text.
func Wait(t mqtt.Token) string {
	if !t.WaitTimeout(Patience) {
		return "NOT ENDED"
	}
	return fmt.Sprint(t.Error())
}

// Recv receives from a channel, or ends the program.
func Recv[T any](from <-chan T, what string) T {
	select {
	case v := <-from:
		return v
	case <-time.After(Patience):
		Print("FATAL: no", what)
		os.Exit(1)
		panic("unreachable")
	}
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
		Print("FATAL: no CONNECT")
		os.Exit(1)
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

// Drain reads until the end of the connection.
func (c *Conn) Drain() { io.Copy(io.Discard, c.Conn) }

// Options returns options that leave nothing to chance.
func Options(url string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID("client").SetProtocolVersion(4).SetAutoReconnect(false).SetKeepAlive(0)
}
