// Package kit is what the differential programs share: a server that does what a program tells it, and output that is the same each time.
package kit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Patience is how long a program waits for what must come.
const Patience = time.Minute

// Quiesce is what programs give Disconnect, in milliseconds: more than the slowest machine needs, so that it returns when it is done.
const Quiesce = 60_000

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

// Until waits until something is true that no event tells of, or ends the program.
func Until(reached func() bool) {
	for start := time.Now(); !reached(); time.Sleep(time.Millisecond) {
		if time.Since(start) > Patience {
			Print("FATAL: never came true")
			os.Exit(1)
		}
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
				Print("FATAL: PUBREL of nothing", p.MessageID)
				os.Exit(1)
			}
			delete(received, p.MessageID)
			c.Ack(packets.Pubcomp, p.MessageID)
		default:
			Print("FATAL: no PUBLISH or PUBREL", p)
			os.Exit(1)
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

// Tick returns when the clock of the file system, which has large steps, has moved on. The order in which files were written shows then.
func Tick() {
	file, err := os.CreateTemp("", "tick")
	Must(err)
	defer os.Remove(file.Name())
	defer file.Close()
	stamp := func() time.Time {
		_, err := file.WriteAt([]byte("x"), 0)
		Must(err)
		info, err := file.Stat()
		Must(err)
		return info.ModTime()
	}
	for start := stamp(); !stamp().After(start); {
		time.Sleep(time.Millisecond)
	}
}

// Refusing returns a URL that refuses connections. Its port stays taken until the program ends, so nobody else can listen there.
func Refusing() string {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	Must(err)
	Must(syscall.Bind(s, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	address, err := syscall.Getsockname(s)
	Must(err)
	return fmt.Sprint("tcp://127.0.0.1:", address.(*syscall.SockaddrInet4).Port)
}

// Drain reads until the end of the connection.
func (c *Conn) Drain() { io.Copy(io.Discard, c.Conn) }

// Options returns options that leave nothing to chance.
func Options(url string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID("client").SetProtocolVersion(4).SetAutoReconnect(false).SetKeepAlive(0)
}
