package robust

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// TestDisconnectWithHangingHandler: Disconnect returns in time though a handler hangs, and the program can connect again.
func TestDisconnectWithHangingHandler(t *testing.T) {
	broker := both.Mosquitto(t)
	hang, in := make(chan bool), make(chan bool, 10)
	c := connected(t, options(broker.TCP, "hang"))
	ended(t, c.Subscribe("hang", 1, func(mqtt.Client, mqtt.Message) { in <- true; <-hang }), "Subscribe")
	for range 5 {
		ended(t, c.Publish("hang", 1, false, "x"), "Publish")
	}
	<-in
	start := time.Now()
	c.Disconnect(uint(patience.Milliseconds()))
	if took := time.Since(start); took > patience/2 {
		t.Errorf("Disconnect took %v", took)
	}
	if err := ended(t, c.Connect(), "Connect"); err != nil {
		t.Error(err)
	}
	close(hang)
	c.Disconnect(1000)
}

// TestHandlerMayWait: a handler of ordered messages waits for what it publishes, with more messages behind it.
func TestHandlerMayWait(t *testing.T) {
	broker := both.Mosquitto(t)
	const messages = 300
	done := make(chan bool, messages)
	c := connected(t, options(broker.TCP, "wait").SetKeepAlive(0)) // no ping comes to the help of what is forgotten
	ended(t, c.Subscribe("wait", 1, func(c mqtt.Client, m mqtt.Message) {
		for qos := byte(0); qos < 3; qos++ {
			if token := c.Publish("answer", qos, false, m.Payload()); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Errorf("in the handler: %v", token.Error())
			}
		}
		if token := c.Subscribe("other", 1, nil); !token.WaitTimeout(patience) {
			t.Error("a subscribe in the handler does not end")
		}
		done <- true
	}), "Subscribe")
	for i := range messages {
		c.Publish("wait", 1, false, strconv.Itoa(i))
	}
	for range messages {
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("a handler that waits is stuck")
		}
	}
	c.Disconnect(1000)
}

// TestSlowHandler: a server faster than the handler is held back, and nothing is lost.
func TestSlowHandler(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const messages = 40000 // more than the client holds
	var sent atomic.Int64
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		packets.ReadPacket(conn)
		conn.Write([]byte{0x20, 2, 0, 0})
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Payload = "slow", make([]byte, 1000)
		for range messages {
			if p.Write(conn) != nil {
				return
			}
			sent.Add(1)
		}
		io.Copy(io.Discard, conn)
	}()
	gate, all := make(chan bool), make(chan bool)
	count := 0
	// Where the kernel may hold tens of megabytes for a socket, it could hold all.
	small := func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		conn, err := net.Dial("tcp", uri.Host)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}
	c := connected(t, options("tcp://"+l.Addr().String(), "slow").SetCustomOpenConnectionFn(small).SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) {
		<-gate
		if count++; count == messages {
			close(all)
		}
	}))
	// The server stops when all that lies between is full.
	for last := int64(-1); last != sent.Load(); time.Sleep(300 * time.Millisecond) {
		last = sent.Load()
	}
	if sent.Load() == messages {
		t.Error("the client has no bound")
	}
	close(gate)
	select {
	case <-all:
	case <-time.After(patience):
		t.Errorf("%d of %d", count, messages)
	}
	c.Disconnect(1000)
}

// TestPayloadIsCopied: the program may use a payload's memory again as soon as Publish has returned.
func TestPayloadIsCopied(t *testing.T) {
	broker := both.Mosquitto(t)
	received := make(chan string, 1000)
	c := connected(t, options(broker.TCP, "copy"))
	ended(t, c.Subscribe("copy", 1, func(_ mqtt.Client, m mqtt.Message) { received <- string(m.Payload()) }), "Subscribe")
	payload := []byte("0000")
	for i := range 1000 {
		copy(payload, fmt.Sprintf("%04d", i))
		c.Publish("copy", 1, false, payload)
	}
	for i := range 1000 {
		select {
		case got := <-received:
			if got != fmt.Sprintf("%04d", i) {
				t.Fatalf("message %d is %s", i, got)
			}
		case <-time.After(patience):
			t.Fatal("nothing came")
		}
	}
	c.Disconnect(1000)
}
