// Package kit is what the differential programs share: a server that does what a program tells it, and output that is the same each time.
package kit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

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
)

// Recv receives from a channel, or ends the program.
func Recv[T any](from <-chan T, what string) T { return steps.Recv(from, what) }

// Context returns a context that ends when patience does.
func Context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// Pipe returns the two ends of a TCP connection: the client's and the server's.
func Pipe() (net.Conn, *Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	Must(err)
	server, err := l.Accept()
	Must(err)
	Must(server.SetDeadline(time.Now().Add(Patience)))
	return client, &Conn{Conn: server}
}

// A Conn is the server's side of a connection.
type Conn struct {
	net.Conn
	pings sync.Mutex
}

// Read reads one packet, nil at the end of the connection. PINGREQ is answered and not returned: when it comes is the library's affair.
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

// Expect reads one packet and prints what is in it.
func (c *Conn) Expect(what string) *packets.ControlPacket {
	p := c.Read()
	if p == nil {
		Print(what, "END")
		return nil
	}
	Print(what, p.PacketType(), Fields(p.Content))
	return p
}

// Fields returns the members of a struct that are not zero, and those of structs that it points to.
func Fields(of any) string {
	v := reflect.Indirect(reflect.ValueOf(of))
	if !v.IsValid() {
		return "nil"
	}
	if v.Kind() != reflect.Struct {
		return fmt.Sprint(v)
	}
	var fields []string
	for i := range v.NumField() {
		field := v.Field(i)
		if !v.Type().Field(i).IsExported() || field.IsZero() {
			continue
		}
		if field.Kind() == reflect.Pointer {
			fields = append(fields, v.Type().Field(i).Name+":"+Fields(field.Interface()))
		} else {
			fields = append(fields, fmt.Sprintf("%s:%v", v.Type().Field(i).Name, field))
		}
	}
	slices.Sort(fields)
	return "{" + strings.Join(fields, " ") + "}"
}

// Send sends a packet. Errors show at the client.
func (c *Conn) Send(p packets.Packet) {
	c.pings.Lock()
	defer c.pings.Unlock()
	var b bytes.Buffer
	_, err := p.WriteTo(&b)
	Must(err)
	_, _ = c.Write(b.Bytes())
}

// Connack reads CONNECT and answers it.
func (c *Conn) Connack(answer *packets.Connack) *packets.Connect {
	p := c.Read()
	if p == nil || p.Type != packets.CONNECT {
		Fatal("no CONNECT")
	}
	if answer.Properties == nil {
		answer.Properties = &packets.Properties{}
	}
	c.Send(answer)
	return p.Content.(*packets.Connect)
}

// Message sends a PUBLISH.
func (c *Conn) Message(topic, payload string, qos byte, id uint16, dup bool, properties *packets.Properties) {
	if properties == nil {
		properties = &packets.Properties{}
	}
	c.Send(&packets.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, PacketID: id, Duplicate: dup, Properties: properties})
}

// Drain reads until the end of the connection.
func (c *Conn) Drain() { io.Copy(io.Discard, c.Conn) }

// Connected makes a client that is connected to a server.
func Connected(config paho.ClientConfig, connect *paho.Connect, answer *packets.Connack) (*paho.Client, *Conn) {
	client, server := Pipe()
	config.Conn = client
	c := paho.NewClient(config)
	done := make(chan error, 1)
	go func() {
		_, err := c.Connect(Context(), connect)
		done <- err
	}()
	server.Connack(answer)
	Must(Recv(done, "CONNECT's end"))
	return c, server
}

// Connect is a CONNECT that leaves nothing to chance.
func Connect() *paho.Connect { return &paho.Connect{ClientID: "client", CleanStart: true} }

// Pointer returns a pointer to a value.
func Pointer[T any](v T) *T { return &v }
