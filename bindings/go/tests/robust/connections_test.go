package robust

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// failing is a connection whose writes fail once told to.
type failing struct {
	net.Conn
	fails *atomic.Bool
}

var errWrite = errors.New("this write fails")

func (f failing) Write(p []byte) (int, error) {
	if f.fails.Load() {
		return 0, errWrite
	}
	return f.Conn.Write(p)
}

// TestWriteError: the token of a publish with QoS 0 whose write fails ends with the error.
func TestWriteError(t *testing.T) {
	broker := both.Mosquitto(t)
	var fails atomic.Bool
	lost := make(chan error, 1)
	o := options(broker.TCP, "writeerror").SetAutoReconnect(false).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	o.SetCustomOpenConnectionFn(func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		conn, err := net.Dial("tcp", uri.Host)
		return failing{conn, &fails}, err
	})
	c := connected(t, o)
	fails.Store(true)
	if err := ended(t, c.Publish("x", 0, false, "x"), "Publish"); !errors.Is(err, errWrite) {
		t.Errorf("the token's error is %v", err)
	}
	if err := <-lost; !errors.Is(err, errWrite) {
		t.Errorf("the connection is lost by %v", err)
	}
	c.Disconnect(10)
}

// TestWriteErrorOfMany: no token of a publish ends well whose write failed, or which came after one that did, whoever writes.
func TestWriteErrorOfMany(t *testing.T) {
	broker := both.Mosquitto(t)
	for range 200 {
		var fails atomic.Bool
		lost := make(chan error, 1)
		o := options(broker.TCP, "writeerrors").SetAutoReconnect(false).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
		o.SetCustomOpenConnectionFn(func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			conn, err := net.Dial("tcp", uri.Host)
			return failing{conn, &fails}, err
		})
		c := connected(t, o)
		fails.Store(true)
		errs := make(chan error)
		for range 8 {
			go func() {
				token := c.Publish("x", 0, false, "x")
				<-token.Done()
				errs <- token.Error()
			}()
		}
		for range 8 {
			if <-errs == nil {
				t.Fatal("a token without an error")
			}
		}
		<-lost
		c.Disconnect(10)
	}
}

// TestSubscribeOverRestart: a subscribe whose server goes away ends.
func TestSubscribeOverRestart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			packets.ReadPacket(conn)
			conn.Write([]byte{0x20, 2, 0, 0})
			packets.ReadPacket(conn) // SUBSCRIBE
			conn.Close()
		}
	}()
	c := connected(t, options("tcp://"+l.Addr().String(), "restart"))
	if err := ended(t, c.Subscribe("x", 1, nil), "Subscribe"); err == nil {
		t.Error("no error")
	}
	c.Disconnect(100)
}

// TestResumedSubscribe: with ResumeSubs it is asked for again, and ends well.
func TestResumedSubscribe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for first := true; ; first = false {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			packets.ReadPacket(conn)
			conn.Write([]byte{0x20, 2, 0, 0})
			p, err := packets.ReadPacket(conn)
			if first || err != nil {
				conn.Close()
				continue
			}
			answer := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			answer.MessageID, answer.ReturnCodes = p.Details().MessageID, []byte{1}
			answer.Write(conn)
			io.Copy(io.Discard, conn)
		}
	}()
	c := connected(t, options("tcp://"+l.Addr().String(), "resume").SetResumeSubs(true))
	if err := ended(t, c.Subscribe("x", 1, nil), "Subscribe"); err != nil {
		t.Error(err)
	}
	c.Disconnect(100)
}

// TestResubscribe: with the option, a clean session's subscriptions are made again.
func TestResubscribe(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	up := make(chan bool, 10)
	received := make(chan string, 10)
	c := connected(t, options(p.url(), "resubscribe").SetResubscribe(true).SetOnConnectHandler(func(mqtt.Client) { up <- true }))
	ended(t, c.Subscribe("again", 1, func(_ mqtt.Client, m mqtt.Message) { received <- string(m.Payload()) }), "Subscribe")
	<-up
	p.cut(false)
	<-up
	other := connected(t, options(broker.TCP, "resubscriber"))
	for {
		ended(t, other.Publish("again", 1, false, "x"), "Publish")
		select {
		case <-received:
			c.Disconnect(100)
			other.Disconnect(100)
			return
		case <-time.After(20 * time.Millisecond): // the subscription may be on its way
		}
	}
}

// TestPingTimeout: a server that stops answering is given up, and the client connects again.
func TestPingTimeout(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	lost := make(chan error, 10)
	c := connected(t, options(p.url(), "ping").SetKeepAlive(time.Second).SetPingTimeout(300*time.Millisecond).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	p.stalled.Store(true)
	select {
	case err := <-lost:
		if err == nil || err.Error() != "pingresp not received, disconnecting" {
			t.Errorf("lost by %v", err)
		}
	case <-time.After(patience):
		t.Error("the dead server is not noticed")
	}
	p.stalled.Store(false)
	if err := ended(t, c.Publish("x", 1, false, ""), "Publish"); err != nil {
		t.Error(err)
	}
	c.Disconnect(1000)
}

// TestIdleKeepAlive: an idle connection is kept alive by pings.
func TestIdleKeepAlive(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pings := make(chan bool, 100)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		for {
			p, err := packets.ReadPacket(conn)
			if err != nil {
				return
			}
			switch p.(type) {
			case *packets.ConnectPacket:
				conn.Write([]byte{0x20, 2, 0, 0})
			case *packets.PingreqPacket:
				conn.Write([]byte{0xd0, 0})
				pings <- true
			}
		}
	}()
	lost := make(chan error, 1)
	c := connected(t, options("tcp://"+l.Addr().String(), "idle").SetKeepAlive(time.Second).SetPingTimeout(patience).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	for range 3 {
		select {
		case <-pings:
		case err := <-lost:
			t.Fatal(err)
		case <-time.After(patience):
			t.Fatal("no ping")
		}
	}
	c.Disconnect(1000)
}
