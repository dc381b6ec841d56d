// Command details shows what the other programs leave out. Usage: details TCP TLS CA WS
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func connected(s *kit.Server, o *mqtt.ClientOptions) (mqtt.Client, *kit.Conn) {
	c := mqtt.NewClient(o)
	t := c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	if err := kit.Wait(t); err != "<nil>" {
		kit.Print("FATAL", err)
		os.Exit(1)
	}
	return c, conn
}

// end disconnects, and closes the server's side.
func end(c mqtt.Client, conn *kit.Conn) {
	go conn.Drain()
	c.Disconnect(500)
}

// fields are set without setters.
func fields() {
	o := mqtt.NewClientOptions()
	o.ConnectTimeout, o.WriteTimeout, o.KeepAlive, o.PingTimeout, o.ConnectRetry, o.AutoReconnect = time.Second, time.Second, 10, time.Second, true, true
	kit.Print(o.Dialer.Timeout)
	o.SetConnectTimeout(2 * time.Second)
	kit.Print(o.Dialer.Timeout, o.KeepAlive)
	c := mqtt.NewClient(o)
	r := c.OptionsReader()
	kit.Print(r.KeepAlive(), r.ConnectTimeout(), r.PingTimeout(), r.WriteTimeout())
}

// schemes names the same servers in each way there is.
func schemes(plain, secure, ca string) {
	pem, err := os.ReadFile(ca)
	kit.Must(err)
	pool := x509.NewCertPool()
	kit.Print(pool.AppendCertsFromPEM(pem))
	host := func(server string) string { u, err := url.Parse(server); kit.Must(err); return u.Host }
	for _, scheme := range []string{"tcp", "mqtt", "ssl", "tls", "mqtts", "mqtt+ssl", "tcps"} {
		at := host(plain)
		if scheme != "tcp" && scheme != "mqtt" {
			at = host(secure)
		}
		var dials atomic.Int32
		o := mqtt.NewClientOptions().AddBroker(scheme + "://" + at).SetClientID(fmt.Sprint("scheme", os.Getpid())).SetTLSConfig(&tls.Config{RootCAs: pool})
		o.SetDialer(&net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error { dials.Add(1); return nil }})
		c := mqtt.NewClient(o)
		kit.Print(scheme, kit.Wait(c.Connect()), dials.Load() > 0)
		c.Disconnect(250)
	}
	// The server does not name a session that shall stay.
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(plain).SetCleanSession(false))
	t := c.Connect()
	kit.Print(kit.Wait(t), t.Error() == packets.ErrorRefusedIDRejected)
}

func opening(plain string) {
	o := kit.Options(plain).SetClientID(fmt.Sprint("opening", os.Getpid())).SetUsername("user")
	o.SetCustomOpenConnectionFn(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
		kit.Print("open", u.Scheme, o.Username, len(o.Servers))
		return net.Dial("tcp", u.Host)
	})
	c := mqtt.NewClient(o)
	kit.Print(kit.Wait(c.Connect()))
	c.Disconnect(250)
}

// helpers are exported, though clients do without them.
func helpers(plain, web string) {
	u, err := url.Parse(plain)
	kit.Must(err)
	conn, err := net.Dial("tcp", u.Host)
	kit.Must(err)
	request := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	request.ProtocolName, request.ProtocolVersion, request.ClientIdentifier, request.CleanSession, request.Keepalive = "MQTT", 4, "helper", true, 10
	code, present := mqtt.ConnectMQTT(conn, request, 4)
	kit.Print(code, present)
	conn.Close()
	conn, err = mqtt.NewWebsocket(web, nil, 10*time.Second, http.Header{"X-Test": {"yes"}}, &mqtt.WebsocketOptions{})
	kit.Must(err)
	code, present = mqtt.ConnectMQTT(conn, request, 4)
	kit.Print(code, present)
	conn.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	kit.Must(err)
	go mqtt.NewWebsocket("ws://"+l.Addr().String()+"/path?query", nil, 10*time.Second, http.Header{"X-Test": {"yes"}}, &mqtt.WebsocketOptions{ReadBufferSize: 10, WriteBufferSize: 10})
	conn, err = l.Accept()
	kit.Must(err)
	upgrade, err := http.ReadRequest(bufio.NewReader(conn))
	kit.Must(err)
	kit.Print(upgrade.Method, upgrade.URL, upgrade.Host == l.Addr().String(), upgrade.Header["Sec-Websocket-Protocol"], upgrade.Header["X-Test"],
		upgrade.Header["Upgrade"], upgrade.Header["Connection"], upgrade.Header["Sec-Websocket-Version"])
	conn.Close()
	l.Close()
}

type collector struct{ lines chan string }

func (c collector) Println(v ...any)          { c.lines <- fmt.Sprintln(v...) }
func (c collector) Printf(f string, v ...any) { c.lines <- fmt.Sprintf(f, v...) }

func logs() {
	_, isNone := mqtt.ERROR.(mqtt.NOOPLogger)
	kit.Print(isNone, mqtt.CRITICAL, mqtt.WARN, mqtt.DEBUG)
	lines := make(chan string, 100)
	mqtt.ERROR = collector{lines}
	mqtt.NewClientOptions().AddBroker("://bad")
	mqtt.ERROR = mqtt.NOOPLogger{}
	kit.Print(strings.Contains(kit.Recv(lines, "line"), "://bad"))
}

// identifiers are all taken.
func identifiers() {
	s := kit.Listen()
	defer s.Close()
	c, conn := connected(s, kit.Options(s.URL).SetStore(mqtt.NewMemoryStore()))
	used := make(chan map[uint16]bool)
	go func() {
		ids := map[uint16]bool{}
		for range 65535 {
			ids[conn.Read().Details().MessageID] = true
		}
		used <- ids
	}()
	var first mqtt.Token
	for i := range 65535 {
		t := c.Publish("t", 1, false, "x")
		if i == 0 {
			first = t
		}
	}
	kit.Print(len(kit.Recv(used, "identifiers")))
	t := c.Publish("t", 1, false, "x")
	kit.Print(kit.Wait(t), t.(*mqtt.PublishToken).MessageID())
	kit.Print(kit.Wait(c.Subscribe("s", 0, nil)))
	id := first.(*mqtt.PublishToken).MessageID()
	conn.Ack(packets.Puback, id)
	kit.Print(kit.Wait(first))
	t = c.Publish("t", 1, false, "x")
	conn.Read()
	kit.Print(t.(*mqtt.PublishToken).MessageID() == id)
	end(c, conn)
}

// resuming shows what is asked for again after a reconnect.
func resuming() {
	s := kit.Listen()
	defer s.Close()
	c, conn := connected(s, kit.Options(s.URL).SetAutoReconnect(true).SetCleanSession(false).SetResumeSubs(true).SetMaxResumePubInFlight(2))
	sub, un := c.Subscribe("a", 1, nil), c.Unsubscribe("b")
	first, second := conn.Read().Details().MessageID, conn.Read().Details().MessageID
	kit.Print(first != second)
	conn.Close()
	conn = s.Accept()
	conn.Connack(0, true)
	var again []string
	for range 2 {
		switch p := conn.Read().(type) {
		case *packets.SubscribePacket:
			again = append(again, fmt.Sprint("subscribe ", p.Topics, p.Qoss))
			conn.Suback(p.MessageID, 1)
		case *packets.UnsubscribePacket:
			again = append(again, fmt.Sprint("unsubscribe ", p.Topics))
			conn.Ack(packets.Unsuback, p.MessageID)
		}
	}
	slices.Sort(again) // the genuine library's memory has no order
	kit.Print(again, kit.Wait(sub), kit.Wait(un), sub.(*mqtt.SubscribeToken).Result())
	end(c, conn)

	// At most two messages are sent again before an acknowledgement.
	c, conn = connected(s, kit.Options(s.URL).SetAutoReconnect(true).SetCleanSession(false).SetMaxResumePubInFlight(2))
	var tokens []mqtt.Token
	for range 5 {
		tokens = append(tokens, c.Publish("t", 1, false, "x"))
		conn.Read()
	}
	conn.Close()
	conn = s.Accept()
	conn.Connack(0, true)
	var waiting []uint16
	for range 2 {
		waiting = append(waiting, conn.Read().Details().MessageID)
	}
	conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	kit.Print("a third", conn.Read() != nil)
	conn.SetReadDeadline(time.Now().Add(kit.Patience))
	for range 3 {
		conn.Ack(packets.Puback, waiting[0])
		waiting = append(waiting[1:], conn.Read().Details().MessageID)
	}
	for _, id := range waiting {
		conn.Ack(packets.Puback, id)
	}
	for _, t := range tokens {
		kit.Print(kit.Wait(t))
	}
	end(c, conn)
}

// elsewhere has OnReconnecting choose another server.
func elsewhere() {
	first, second := kit.Listen(), kit.Listen()
	defer first.Close()
	defer second.Close()
	o := kit.Options(first.URL).SetAutoReconnect(true)
	o.SetReconnectingHandler(func(_ mqtt.Client, o *mqtt.ClientOptions) {
		o.Servers = mqtt.NewClientOptions().AddBroker(second.URL).Servers
	})
	c, conn := connected(first, o)
	conn.Close()
	conn = second.Accept()
	conn.Connack(0, false)
	conn.Message("t", "x", 0, 0, false, false)
	r := c.OptionsReader()
	kit.Print(len(r.Servers()), r.Servers()[0].String() == second.URL)
	end(c, conn)
}

// order shows that messages are handled one after the other, or all at once.
func order() {
	s := kit.Listen()
	defer s.Close()
	handled := make(chan string, 10)
	c, conn := connected(s, kit.Options(s.URL).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { handled <- string(m.Payload()) }))
	for i := range 5 {
		conn.Message("t", fmt.Sprint(i), 1, uint16(i+1), false, false)
	}
	for range 5 {
		conn.Expect("in order")
		kit.Print(kit.Recv(handled, "message"))
	}
	end(c, conn)
	var began atomic.Int32
	all := make(chan bool)
	c, conn = connected(s, kit.Options(s.URL).SetOrderMatters(false).SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if began.Add(1) == 5 {
			close(all)
		}
		<-all
	}))
	for i := range 5 {
		conn.Message("t", fmt.Sprint(i), 1, uint16(i+1), false, false)
	}
	var ids []uint16
	for range 5 {
		ids = append(ids, conn.Read().Details().MessageID)
	}
	slices.Sort(ids)
	kit.Print("at once", ids)
	end(c, conn)
}

// callbacks run on goroutines of their own.
func callbacks() {
	s := kit.Listen()
	defer s.Close()
	release, done := make(chan bool), make(chan bool, 2)
	o := kit.Options(s.URL).SetOnConnectHandler(func(mqtt.Client) { <-release; done <- true })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { kit.Print("lost by", err); done <- true })
	o.SetKeepAlive(time.Second).SetPingTimeout(100 * time.Millisecond)
	_, conn := connected(s, o) // though OnConnect has not returned
	close(release)
	kit.Recv(done, "OnConnect")
	// The server answers no PINGREQ.
	conn.Expect("ping")
	kit.Recv(done, "OnConnectionLost")
}

// stalled has a server that does not read.
func stalled() {
	s := kit.Listen()
	defer s.Close()
	lost := make(chan error, 1)
	o := kit.Options(s.URL).SetWriteTimeout(200 * time.Millisecond).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	c, conn := connected(s, o)
	for range 1000 {
		t := c.Publish("t", 0, false, make([]byte, 1<<20))
		if err := kit.Wait(t); err != "<nil>" {
			kit.Print("a publish fails")
			break
		}
	}
	kit.Print(errors.Is(kit.Recv(lost, "OnConnectionLost"), os.ErrDeadlineExceeded), c.IsConnected())
	conn.Close()
}

func main() {
	fields()
	schemes(os.Args[1], os.Args[2], os.Args[3])
	opening(os.Args[1])
	helpers(os.Args[1], os.Args[4])
	logs()
	identifiers()
	resuming()
	elsewhere()
	order()
	callbacks()
	stalled()
}
